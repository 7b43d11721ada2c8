/**
 * Rules for holding messages back until there is company: by count, by bytes, by time, whichever comes
 * first; and never while the line is idle. An outbox without any of them already writes what has
 * gathered when the write before ends, so the rules are off unless set (docs/tuning.md says what they bring).
 *
 * @module
 */
import type { Batching } from "../core/batching.ts";

/** When a batch is complete. */
export interface BatchLimits {
  /** Messages. */
  readonly countMax: number;
  /** Bytes, except for a single larger message. */
  readonly bytesMax: number;
  /** How long the first message waits at most, ms. */
  readonly delayMs: number;
}

/** Transports that have limits of their own. */
export type BatchedTransport = "stdio" | "tcp" | "websocket" | "http" | "sse";

/**
 * Limits of each transport. An answer over HTTP is alone in its exchange; events share a write, in chunks
 * of 16 KiB.
 */
export const BATCHING: Readonly<Record<BatchedTransport, BatchLimits>> = {
  stdio: { countMax: 1000, bytesMax: 1024 * 1024, delayMs: 1 },
  tcp: { countMax: 100, bytesMax: 64 * 1024, delayMs: 10 },
  websocket: { countMax: 50, bytesMax: 32 * 1024, delayMs: 5 },
  http: { countMax: 1, bytesMax: 64 * 1024, delayMs: 0 },
  sse: { countMax: 100, bytesMax: 16 * 1024, delayMs: 5 },
};

/** Batching off: each message is a write of its own. For comparison, and for peers that take one message a read. */
export const UNBATCHED: BatchLimits = { countMax: 1, bytesMax: Infinity, delayMs: 0 };

/** From this depth on a queue is deep: batches double, and nothing is held for more than 1 ms. */
const DEEP = 1000;
/** From this depth on batches grow by half. */
const GROWING = 500;
/** Below this depth batches halve. */
const SHALLOW = 10;
const COUNT_FLOOR = 10;
/** Batches grow to so many times what was set. */
const GROWTH_MAX = 16;
const URGENT_DELAY_MS = 1;

/**
 * The limits that follow from the depth of the queue. A shallow or deep queue moves count and bytes from
 * what they are now, within bounds; between the two they are what was set: a batch that stayed small after a
 * quiet time made 100 messages in flight four times as slow (docs/tuning.md). The delay always follows from
 * what was set.
 *
 * @param limits as they are now
 * @param queueDepth messages that wait
 * @param set what was set; the same as `limits` at first
 */
export function adapt(limits: BatchLimits, queueDepth: number, set = limits): BatchLimits {
  const countMax = adaptedCount(limits.countMax, queueDepth, set.countMax);
  const delayMs = adaptedDelayMs(set.delayMs, queueDepth);
  if (countMax === limits.countMax && delayMs === limits.delayMs) return limits;
  return {
    countMax,
    bytesMax: Math.round(set.bytesMax * Math.max(1, countMax / set.countMax)),
    delayMs,
  };
}

function adaptedCount(count: number, queueDepth: number, setCount: number): number {
  if (queueDepth < SHALLOW) return Math.max(Math.round(count / 2), Math.min(COUNT_FLOOR, setCount));
  if (queueDepth <= GROWING) return setCount;
  const grown = Math.max(setCount, count) * (queueDepth > DEEP ? 2 : 1.5);
  return Math.min(Math.round(grown), GROWTH_MAX * setCount);
}

/** Full when the queue is shallow, half when it is not, 1 ms when it is deep: there is company enough. */
function adaptedDelayMs(delayMs: number, queueDepth: number): number {
  if (queueDepth > DEEP) return Math.min(URGENT_DELAY_MS, delayMs);
  return queueDepth < SHALLOW ? delayMs : delayMs / 2;
}

/** Limits as they were set. */
export class FixedBatching implements Batching {
  readonly countMax: number;
  readonly bytesMax: number;
  readonly #delayMs: number;

  constructor({ countMax, bytesMax, delayMs }: BatchLimits) {
    this.countMax = countMax;
    this.bytesMax = bytesMax;
    this.#delayMs = delayMs;
  }

  /** What is left of the delay since the last flush: nothing after an idle time. */
  delayFor(_queueDepth: number, msSinceLastFlush: number): number {
    return Math.max(0, this.#delayMs - msSinceLastFlush);
  }
}

/** Batches after a wait in vain that are not held back, at first; doubled each time. */
const PATIENCE_MIN = 64;
const PATIENCE_MAX = 65_536;

/**
 * Limits that follow the queue, see {@link adapt}. Waiting is only tried where messages have come in
 * company lately, and after a wait that brought less than it began with, not again for ever longer: a client
 * that waits for its answer before it asks again would else wait for the delay each time.
 */
export class AdaptiveBatching implements Batching {
  readonly #set: BatchLimits;
  #limits: BatchLimits;
  #lastDepth = 0;
  #unheld = 0;
  #patience = PATIENCE_MIN;

  constructor(set: BatchLimits) {
    this.#set = this.#limits = set;
  }

  get countMax(): number {
    return this.#limits.countMax;
  }

  get bytesMax(): number {
    return this.#limits.bytesMax;
  }

  delayFor(queueDepth: number, msSinceLastFlush: number): number {
    if (this.#unheld > 0 || Math.max(this.#lastDepth, queueDepth) <= 1) return 0;
    return Math.max(0, this.#limits.delayMs - msSinceLastFlush);
  }

  flushed(queueDepth: number, heldFrom: number): void {
    this.#lastDepth = queueDepth;
    if (this.#unheld > 0) this.#unheld--;
    if (heldFrom > 0) {
      const hasPaid = queueDepth >= 2 * heldFrom;
      this.#unheld = hasPaid ? 0 : this.#patience;
      this.#patience = hasPaid ? PATIENCE_MIN : Math.min(PATIENCE_MAX, 2 * this.#patience);
    }
    this.#limits = adapt(this.#limits, queueDepth, this.#set);
  }
}
