/**
 * The public keys of one issuer: fetched when they are first needed, renewed in the background, asked for anew
 * when a token names an unknown one, and good for a bounded time while the issuer cannot be reached.
 *
 * @module
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { monotonicMs } from "../core/clock.ts";
import { reasonOf, SluiceError } from "../core/errors.ts";
import { type FetchBytes, fetchBytes } from "./fetch_bytes.ts";
import { cannotJudge } from "./refusals.ts";

/** How keys are kept. */
export interface JwksOptions {
  /** Where they are, or how to find that out. */
  readonly url: URL | ((signal: AbortSignal) => Promise<URL>);
  /** Known keys are good for so long after they were fetched, ms. */
  readonly staleMs: number;
  /** Told when other keys than before have come. */
  readonly onChanged?: () => void;
  readonly onFailed?: (reason: string) => void;
  readonly fetchBytes?: FetchBytes;
  readonly nowMs?: () => number;
}

/** Between two questions to the issuer, whatever the reason, ms: clients can name unknown keys all day long. */
const COOL_DOWN_MS = 30_000;
/** Older keys are renewed in the background, ms. */
const FRESH_MS = 600_000;
const BYTES_MAX = 256 * 1024;
const KEYS_MAX = 100;
/** Kinds of keys that have a public half; a shared secret has no place in a set of public keys. */
const PUBLIC_KINDS: ReadonlySet<unknown> = new Set(["RSA", "EC", "OKP"]);

/** Dispose it to give up what is under way. */
export class Jwks implements Disposable {
  readonly #options: JwksOptions;
  readonly #fetchBytes: FetchBytes;
  readonly #nowMs: () => number;
  readonly #end = new AbortController();
  #keys: JWTVerifyGetKey | undefined;
  #text = "";
  #fetchedMs = 0;
  #askedMs = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(options: JwksOptions) {
    this.#options = options;
    this.#fetchBytes = options.fetchBytes ?? fetchBytes;
    this.#nowMs = options.nowMs ?? monotonicMs;
  }

  /**
   * The key that a token was signed with, by the `kid` of its header; whatever else the header says of keys, or
   * where to find them, is not looked at.
   *
   * @throws {GatewayError} Overloaded when no key is known and the issuer cannot be reached
   * @throws {errors.JWKSNoMatchingKey} when the issuer has no such key
   */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const { kid, alg } = header;
    const asked = { alg, ...(kid !== undefined && { kid }) };
    const keys = await this.#current();
    try {
      return await keys(asked, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#ask();
      if (this.#keys === keys) throw error;
      return await this.#keys!(asked, token);
    }
  };

  [Symbol.dispose](): void {
    this.#end.abort();
  }

  async #current(): Promise<JWTVerifyGetKey> {
    const ageMs = this.#nowMs() - this.#fetchedMs;
    const isGood = this.#keys !== undefined && ageMs <= this.#options.staleMs;
    if (!isGood) await this.#ask();
    else if (ageMs > FRESH_MS) void this.#ask();
    if (this.#keys === undefined || this.#nowMs() - this.#fetchedMs > this.#options.staleMs) {
      throw cannotJudge("the keys of the issuer are not to be had");
    }
    return this.#keys;
  }

  /** One question at a time, and not too often; never rejects. */
  #ask(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    const nowMs = this.#nowMs();
    if (nowMs - this.#askedMs < COOL_DOWN_MS || this.#end.signal.aborted) return NOW;
    this.#askedMs = nowMs;
    return this.#asking = this.#fetch().catch((error) => {
      if (!this.#end.signal.aborted) this.#options.onFailed?.(reasonOf(error));
    }).finally(() => this.#asking = undefined);
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#end, { url } = this.#options;
    const place = url instanceof URL ? url : await url(signal);
    const bytes = await this.#fetchBytes(place, { bytesMax: BYTES_MAX, signal });
    const set = publicKeys(bytes);
    const text = JSON.stringify(set);
    this.#fetchedMs = this.#nowMs();
    if (text === this.#text) return;
    const isFirst = this.#keys === undefined;
    this.#text = text;
    this.#keys = createLocalJWKSet(set);
    if (!isFirst) this.#options.onChanged?.();
  }
}

function publicKeys(bytes: Uint8Array): JSONWebKeySet {
  let set: { keys?: unknown } | null;
  try {
    set = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new SluiceError("Cannot take keys: the answer is no JSON");
  }
  if (!Array.isArray(set?.keys)) throw new SluiceError("Cannot take keys: there are none");
  const keys = set.keys.filter((key) => PUBLIC_KINDS.has(key?.kty) && key.use !== "enc");
  if (keys.length === 0 || keys.length > KEYS_MAX) {
    throw new SluiceError(`Cannot take keys: there are ${keys.length} that could be used`);
  }
  return { keys };
}

const NOW = Promise.resolve();
