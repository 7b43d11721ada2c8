/**
 * Tokens that were called back before they expired, by their `jti`: a list in a file or behind a URL, read again
 * and again.
 *
 * @module
 */
import { reasonOf, SluiceError } from "../core/errors.ts";
import { cannotJudge } from "./refusals.ts";

/** Where the list is, and how often it is read. */
export interface RevocationOptions {
  /** Reads the list: JSON, an array of ids, or one id a line. */
  readonly read: () => Promise<Uint8Array>;
  readonly refreshMs: number;
  readonly onFailed?: (reason: string) => void;
}

/** Largest list, bytes. */
export const REVOCATION_BYTES_MAX = 16 * 1024 * 1024;

/** Dispose it to stop reading. */
export class Revocations implements Disposable {
  readonly #options: RevocationOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #ids: ReadonlySet<string> | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: RevocationOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#read(), options.refreshMs);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /**
   * Resolves when the list has been read once; a later failure leaves what was known.
   *
   * @throws {GatewayError} Overloaded when it cannot be read: no token can be judged
   */
  async ready(): Promise<void> {
    if (this.#ids === undefined) await this.#read();
    if (this.#ids === undefined) throw cannotJudge("the list of revoked tokens is not to be had");
  }

  /** Whether a token was called back. */
  has(tokenId: string): boolean {
    return this.#ids?.has(tokenId) === true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Once at a time; never rejects. */
  #read(): Promise<void> {
    return this.#reading ??= this.#options.read().then(
      (bytes) => {
        this.#ids = idsOf(new TextDecoder().decode(bytes));
      },
    ).catch((error) => this.#options.onFailed?.(reasonOf(error)))
      .finally(() => this.#reading = undefined);
  }
}

function idsOf(text: string): Set<string> {
  if (!text.trimStart().startsWith("[")) {
    return new Set(text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== ""));
  }
  const list: unknown = JSON.parse(text);
  if (Array.isArray(list) && list.every((id) => typeof id === "string")) return new Set(list);
  throw new SluiceError("Cannot read revoked tokens: not a list of texts");
}
