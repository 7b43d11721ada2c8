/**
 * The lists of several servers as one, under names and URIs that are different for each.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import { RawObject } from "../core/raw_object.ts";
import { isAllowed, type NameFilter } from "../core/globs.ts";
import type { Lineup } from "./lineup.ts";
import type { ListParts } from "./listing.ts";
import { type ListMethod, type ListPart, LISTS } from "./lists.ts";
import type { Member } from "./member.ts";
import type { Origins } from "./origins.ts";
import { exposedName } from "./names.ts";

/** Bytes of one page; a single item may be larger. */
const PAGE_BYTES_MAX = 1024 * 1024;

/** What of a list of names a client sees. */
interface ExposedPart {
  /** By which it was made. */
  readonly filter: NameFilter;
  readonly items: readonly Uint8Array[];
  /** The server's names, by those that clients see. */
  readonly names: ReadonlyMap<string, string>;
}

const ALL: NameFilter = {};

/** Lists are shared by all clients that were given the same; so is what follows from them. */
const exposedParts = new WeakMap<ListPart, WeakMap<Member, ExposedPart>>();

/** The tools or prompts of a server under the names that clients see. */
export function exposedPart(part: ListPart, member: Member, method: ListMethod): ExposedPart {
  let byMember = exposedParts.get(part);
  if (byMember === undefined) exposedParts.set(part, byMember = new WeakMap());
  let exposed = byMember.get(member);
  const filter = method === "tools/list" ? member.tools : ALL;
  if (exposed?.filter !== filter) {
    const names = new Map<string, string>();
    const items: Uint8Array[] = [];
    for (const { key, raw } of part.items) {
      if (!isAllowed(filter, key)) continue;
      const name = exposedName(member.prefix, key);
      names.set(name, key);
      items.push(new RawObject(raw).put("name", name).bytes());
    }
    byMember.set(member, exposed = { filter, names, items });
  }
  return exposed;
}

/**
 * All items of a list, in the order of the servers.
 *
 * @param origins learns where each came from
 */
export function mergedItems(
  method: ListMethod,
  parts: ListParts,
  lineup: Lineup,
  origins?: Origins,
): Uint8Array[] {
  const { key } = LISTS[method];
  if (key === "name") {
    return lineup.members.flatMap((member) => {
      const part = parts.get(member);
      if (part === undefined) return [];
      const { items, names } = exposedPart(part, member, method);
      if (origins !== undefined) { for (const [name, own] of names) origins.noteNamed(name, own); }
      return items;
    });
  }
  const earlier = new Set<string>();
  return lineup.members.flatMap((member) => {
    const part = parts.get(member);
    if (part === undefined) return [];
    const items = part.items.map((item) =>
      earlier.has(item.key)
        ? new RawObject(item.raw).put(key, `${lineup.schemeOf(member)}+${item.key}`).bytes()
        : item.raw
    );
    for (const item of part.items) {
      if (!earlier.has(item.key)) origins?.noteResource(item.key, member.name);
      earlier.add(item.key);
    }
    return items;
  });
}

/** One page of a list. */
export interface Page {
  readonly items: readonly Uint8Array[];
  /** Where the next page begins; `undefined` after the last. */
  readonly nextCursor: string | undefined;
}

/** The page that begins at an item, in the list that these parts make. */
export function pageAt(items: readonly Uint8Array[], start: number, parts: ListParts): Page {
  let end = start, length = 0;
  while (end < items.length) {
    length += items[end].length + 1;
    if (length > PAGE_BYTES_MAX && end > start) break;
    end++;
  }
  const nextCursor = end < items.length ? `${end}.${digestOf(parts)}` : undefined;
  return { items: items.slice(start, end), nextCursor };
}

/**
 * Where the page begins that a cursor asks for.
 *
 * @throws {GatewayError} InvalidParams when it belongs to another list than these parts make
 */
export function startOf(cursor: unknown, parts: ListParts | undefined): number {
  const match = typeof cursor === "string" ? /^(\d{1,9})\.(.+)$/.exec(cursor) : null;
  if (match !== null && parts !== undefined && match[2] === digestOf(parts)) {
    return Number(match[1]);
  }
  throw new GatewayError(
    "InvalidParams",
    "Cannot list: the cursor is unknown, or the list has changed; begin anew",
    { status: 200 },
  );
}

function digestOf(parts: ListParts): string {
  const hash = createHash("sha256");
  for (const part of parts.values()) hash.update(part?.digest ?? "-").update(",");
  return hash.digest("base64url");
}
