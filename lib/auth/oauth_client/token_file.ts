/**
 * What was granted, as a file that only its owner can read: one for each server and kind of client. All
 * processes of one user share it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { z } from "zod";
import { reasonOf } from "../../core/errors.ts";
import { type FileLock, lockFile } from "./file_lock.ts";
import { keptMetadata } from "./issuer.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const FORMAT = 1;
const CLIENTS_MAX = 16;

const grant = z.object({
  issuer: z.string(),
  clientId: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** What was asked for, so that more can be asked for. */
  scopes: z.array(z.string()),
  by: z.enum(["login", "refresh", "client_credentials"]),
  obtainedAtMs: z.number(),
  expiresAtMs: z.number().optional(),
});

const client = z.object({
  clientId: z.string(),
  clientSecret: z.string().optional(),
  /** When the secret ends; never where it is left out. */
  secretExpiresAtMs: z.number().optional(),
  authMethod: z.string().optional(),
  redirectUri: z.string(),
});

const kept = z.object({
  format: z.literal(FORMAT),
  /** Of the issuer of the grant. */
  server: keptMetadata.optional(),
  /** Name of the server, as it was told to the issuer. */
  resource: z.string().optional(),
  grant: grant.optional(),
  /** Clients that registered themselves, by issuer: never shown to another one. */
  clients: z.record(z.string(), client).default({}),
  /** Why the last login failed. */
  failure: z.object({ atMs: z.number(), reason: z.string() }).optional(),
});

/** A token, and what belongs to it. */
export type KeptGrant = Readonly<z.output<typeof grant>>;
/** A client that registered itself. */
export type KeptClient = Readonly<z.output<typeof client>>;
/** The content of a file. */
export type Kept = Readonly<z.output<typeof kept>>;

/** The content of a file that is not there. */
export const NOTHING_KEPT: Kept = { format: FORMAT, clients: {} };

/** The file of one server and kind of client; without a path all is kept in memory only. */
export class TokenFile {
  readonly #path: string | undefined;
  readonly #warn: (text: string) => void;
  #memory: Kept = NOTHING_KEPT;
  #isBroken = false;

  /** @param warn told when the file is broken, can be read by others, or cannot be written */
  constructor(path: string | undefined, warn: (text: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /** Path of the file for a server and a kind of client. */
  static pathIn(folder: string, resource: string, clientKey: string): string {
    const name = createHash("sha256").update(JSON.stringify([resource, clientKey])).digest("hex");
    return `${folder}/${name.slice(0, 32)}.json`;
  }

  /**
   * Keeps other processes out until it is disposed. Waits for them, for as long as the signal lets it.
   *
   * @throws the signal's reason
   */
  async lock(signal: AbortSignal): Promise<FileLock | undefined> {
    if (this.#path === undefined || this.#isBroken) return undefined;
    try {
      await Deno.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      return await lockFile(`${this.#path}.lock`, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#fail("lock", error);
      return undefined;
    }
  }

  /** What is kept. Never rejects: a file that cannot be used counts as none. */
  async read(): Promise<Kept> {
    if (this.#path === undefined || this.#isBroken) return this.#memory;
    try {
      const { isFile, size, mode } = await Deno.lstat(this.#path);
      if (!isFile || size > FILE_BYTES_MAX) throw new Error("it is no file of ours");
      if (mode !== null && (mode & 0o077) !== 0) throw new Error("others may read it");
      const { success, data } = kept.safeParse(JSON.parse(await Deno.readTextFile(this.#path)));
      if (!success) throw new Error("it is not what was written");
      return this.#memory = data;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        // Not the reason of the parser: it quotes the text.
        const why = error instanceof SyntaxError ? "it is no JSON" : reasonOf(error);
        this.#warn(`Cannot read token file ${this.#path}: ${why}; it is ignored`);
      }
      return NOTHING_KEPT;
    }
  }

  /** Replaces what is kept: written beside, then renamed, so that a reader sees the old or the new. */
  async write(content: Kept): Promise<void> {
    const clients = Object.entries(content.clients).slice(-CLIENTS_MAX);
    this.#memory = { ...content, clients: Object.fromEntries(clients) };
    if (this.#path === undefined || this.#isBroken) return;
    const beside = `${this.#path}.${crypto.randomUUID()}.tmp`;
    try {
      await Deno.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      try {
        await writeDurably(beside, JSON.stringify(this.#memory));
        await Deno.rename(beside, this.#path);
      } catch (error) {
        await Deno.remove(beside).catch(() => {}); // it may never have been there
        throw error;
      }
    } catch (error) {
      this.#fail("write", error);
    }
  }

  #fail(what: string, error: unknown): void {
    this.#isBroken = true;
    this.#warn(`Cannot ${what} token file ${this.#path}: ${reasonOf(error)}; tokens are not kept`);
  }
}

/** A refresh token that is spent at its server and lost here would cost a login. */
async function writeDurably(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.syncData();
}
