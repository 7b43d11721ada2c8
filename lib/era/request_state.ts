/**
 * `requestState` of our own: which held call a retry continues. It passes through the client, so it is
 * encrypted and authenticated, and tells whom it was given to, for which request, and until when.
 *
 * Source: MCP specification, basic/patterns/mrtr, 2026-07-28, server requirements; AES-256-GCM (NIST SP 800-38D).
 *
 * @module
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import { tagged, untagged } from "../core/worker_tag.ts";

/** What a state says. */
export interface RequestState {
  /** Which held call. */
  readonly held: string;
  /** Whom it was given to. */
  readonly owner: string;
  /** {@link digestOf} the request. */
  readonly digest: string;
  /** Until when it is good, ms since the epoch. */
  readonly expiresMs: number;
}

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12, TAG_BYTES = 16, KEY_BYTES = 32;
/** Longer texts are none of ours. */
const STATE_CHARS_MAX = 2048;

/** Makes and reads request states under a key that dies with the process, as held calls do. */
export class RequestStates {
  readonly #key = randomBytes(KEY_BYTES);

  /** A state as text. */
  seal(state: RequestState): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const sealed = [iv, cipher.update(JSON.stringify(state)), cipher.final(), cipher.getAuthTag()];
    return tagged(Buffer.concat(sealed).toString("base64url"));
  }

  /**
   * Reads a state.
   *
   * @throws {GatewayError} InvalidParams when it is not ours, has expired, or belongs to another client or request
   */
  open(text: string, owner: string, digest: string): RequestState {
    const state = text.length <= STATE_CHARS_MAX ? this.#decrypt(text) : undefined;
    if (state === undefined) throw refused("it is not one that was given out here");
    if (state.expiresMs < Date.now()) throw refused("it has expired");
    if (state.owner !== owner) throw refused("it was given to another client");
    if (state.digest !== digest) throw refused("it was given for another request");
    return state;
  }

  #decrypt(text: string): RequestState | undefined {
    const sealed = Buffer.from(untagged(text), "base64url");
    if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, IV_BYTES));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const plain = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
      return JSON.parse(Buffer.concat([plain, decipher.final()]).toString());
    } catch {
      return undefined; // the tag does not fit
    }
  }
}

/** What a retry must have in common with the request it repeats: method, name and arguments. */
export function digestOf(message: Message): string {
  const { arguments: args, uri, name } = message.json().params ?? {};
  const salient = [message.method, name, uri, sorted(args)];
  return createHash("sha256").update(JSON.stringify(salient)).digest("base64url");
}

/** The same value with its keys in order: clients may spell a retry another way. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

/** The error for a `requestState` that cannot be continued. */
export function refused(why: string): GatewayError {
  return new GatewayError("InvalidParams", `Cannot continue request: its requestState: ${why}`);
}
