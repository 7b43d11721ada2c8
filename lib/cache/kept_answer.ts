/**
 * An answer in the cache: its bytes once, and what is changed about them for each client.
 *
 * @module
 */
import { Message } from "../core/message.ts";
import type { Warrant } from "./freshness.ts";
import { type Hints, hintsOf } from "./hints.ts";
import type { CachedRequest } from "./request_key.ts";

/** What is known of an answer besides its bytes. */
export interface Keeping {
  readonly request: CachedRequest;
  /** When it was received, monotonic ms. */
  readonly receivedMs: number;
  /** How long it is good for from then on, ms. */
  readonly lifeMs: number;
  readonly warrant: Warrant;
  /** `Freshness.now` when it was asked for. */
  readonly since: number;
  /** Where the time to live stands that clients are told; `undefined` where none is told that counts down. */
  readonly ttl: AnnouncedTtl | undefined;
}

/** Where the digits stand, and the monotonic time at which they count down to 0. */
interface AnnouncedTtl extends Pick<Hints, "ttlStart" | "ttlEnd"> {
  readonly untilMs: number;
}

const ZERO = 0x30, SPACE = 0x20;

/** See the module. */
export class KeptAnswer {
  readonly keeping: Keeping;
  readonly #message: Message;

  constructor(answer: Message, keeping: Keeping) {
    // Its own memory: the bytes may be a view of a large buffer, and digits in them are overwritten below.
    this.#message = Message.from(answer.bytes.slice());
    this.keeping = keeping;
  }

  /** An answer of our own making, with the time that is left to it. */
  static declaring(
    answer: Message,
    leftMs: number | undefined,
    keeping: Omit<Keeping, "ttl">,
  ): KeptAnswer {
    const untilMs = keeping.receivedMs + (leftMs ?? 0);
    const ttl = leftMs === undefined ? undefined : { ...hintsOf(answer), untilMs };
    return new KeptAnswer(answer, { ...keeping, ttl });
  }

  /** Memory that it takes, bytes. */
  get byteLength(): number {
    return this.#message.bytes.length;
  }

  /** Whether its time is over. */
  hasExpired(nowMs: number): boolean {
    return nowMs - this.keeping.receivedMs >= this.keeping.lifeMs;
  }

  /** The answer for a request, with the time that is left to it. */
  under(id: Uint8Array, nowMs: number): Message {
    const { ttl } = this.keeping;
    if (ttl !== undefined) this.#writeTtl(ttl, Math.floor(ttl.untilMs - nowMs));
    return this.#message.withId(id);
  }

  /** Its bytes, for readers that change nothing and keep nothing. */
  get bytes(): Uint8Array {
    return this.#message.bytes;
  }

  /**
   * Writes into the one copy that nobody else has (`withId` copies): fewer digits than before leave spaces in front,
   * which JSON allows there, so that no position moves.
   */
  #writeTtl({ ttlStart, ttlEnd }: AnnouncedTtl, leftMs: number): void {
    const { bytes } = this.#message;
    let rest = Math.max(0, leftMs);
    for (let at = ttlEnd - 1; at >= ttlStart; at--) {
      const isDigit = rest > 0 || at === ttlEnd - 1;
      bytes[at] = isDigit ? ZERO + rest % 10 : SPACE;
      rest = Math.floor(rest / 10);
    }
  }
}
