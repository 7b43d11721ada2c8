/**
 * A place for a member of a pool: who stands there, and when the next one may.
 *
 * @module
 */
import { Backoff } from "../backoff.ts";
import type { Member } from "./member.ts";
import type { PoolClock } from "./pool_options.ts";

/** Waits between tries to start a member. */
const BACKOFF = { firstMs: 100, maxMs: 10_000 };

/** See the module. */
export class Place {
  readonly index: number;
  /** Who stands here; `undefined` while the place rests. */
  member: Member | undefined;
  readonly #backoff: Backoff;
  readonly #clock: PoolClock;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = 0;
  #isDue = false;

  constructor(index: number, clock: PoolClock) {
    this.index = index;
    this.#clock = clock;
    this.#backoff = new Backoff(BACKOFF, clock.random);
  }

  /** Whether it has rested long enough: a member may be started. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** How long it rests yet, ms. */
  get waitMs(): number {
    return this.member !== undefined || this.#isDue
      ? 0
      : Math.max(0, this.#dueMs - this.#clock.now());
  }

  /**
   * Its member has failed: it rests for a while, longer each time.
   *
   * @param leastMs but no less than this, ms
   * @param onDue told when that is over
   */
  rest(leastMs: number, onDue: () => void): void {
    this.member = undefined;
    this.#backoff.failed();
    const delayMs = Math.max(leastMs, this.#backoff.delayMs);
    this.#dueMs = this.#clock.now() + delayMs;
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      onDue();
    }, delayMs);
  }

  /** A member is started here. True when it had rested. */
  take(member: Member): boolean {
    const hasRested = this.#isDue;
    this.#isDue = false;
    this.member = member;
    return hasRested;
  }

  /** Its member does well. */
  succeeded(): void {
    this.#backoff.succeeded();
  }

  /** It is given up. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
