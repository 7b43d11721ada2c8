/**
 * What an export says of itself besides its entries, so that another process may answer from it: two kinds of entries
 * of the type `capability` whose keys no capability has (docs/caching.md).
 *
 * @module
 */

/** What is exported and can be answered from. */
export type SharedKind = "tools" | "prompts" | "resources" | "contents";

/** All of them. */
export const SHARED_KINDS: readonly SharedKind[] = ["tools", "prompts", "resources", "contents"];

/** Key of the state. */
export const STATE_KEY = "sluice/state";

/** Data of the entry under {@link STATE_KEY}, as JSON. */
export interface ExportState {
  /** Of the gateway that exports: random, told to nobody but its own clients and readers of the file. */
  readonly instance: string;
  /** Goes up with each change that was told or may have been caused. */
  readonly changes: Readonly<Record<SharedKind, number>>;
  /** Whether what is exported was read after the last of these. */
  readonly isCurrent: Readonly<Record<SharedKind, boolean>>;
  /** When it was read, Unix ms; 0 for never. */
  readonly readMs: Readonly<Record<SharedKind, number>>;
  /** Whether the server tells when it changes. */
  readonly isTold: Readonly<Record<SharedKind, boolean>>;
}

/** Key of the order of a list. */
export function listKey(kind: SharedKind): string {
  return `sluice/${kind}`;
}

/** Data of the entry under {@link listKey}, as JSON: there only where the list may be answered from the export. */
export interface ExportedList {
  /** Keys of its entries in their order. */
  readonly names: readonly string[];
  /** What its server declared; left out where it did not. */
  readonly ttlMs?: number;
}

/** Metadata `answer` of a resource: there only where a read may be answered from the export. */
export interface ExportedContents {
  /** Member of the content that the data are. */
  readonly form: "text" | "blob";
  readonly ttlMs?: number;
}

/** Method that asks a gateway for its instance; a server that is none does not know it. */
export const INSTANCE_METHOD = "sluice/instance";
