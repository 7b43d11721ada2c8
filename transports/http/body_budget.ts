/**
 * What the bodies that are being read may hold in memory together, however many clients send at once.
 *
 * @module
 */
import { GatewayError } from "../../lib/core/errors.ts";

/** So much of each body is free: ordinary messages never wait for large ones. Sockets buffer more than that. */
export const FREE_BODY_BYTES = 16 * 1024;
/** Default of the shared budget, bytes. */
export const BODY_BUDGET_BYTES = 8 * 1024 * 1024;
/** How long a body may wait for others to end, ms. */
const WAIT_MS = 10_000;

/** What happens to a body that has to wait. */
export interface ShareHooks {
  pause(): void;
  resume(): void;
  /** It has waited too long. */
  refuse(error: GatewayError): void;
}

/**
 * Shared by all bodies of a listener. Bodies over the budget wait, first come, first served; one of them
 * always goes on, so that bodies cannot wait for each other for ever.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  readonly #waitMs: number;
  readonly #line = new Set<BodyShare>();
  #favourite: BodyShare | undefined;
  #heldBytes = 0;

  /** @param waitMs how long a body waits before it is refused, ms */
  constructor(bytesMax = BODY_BUDGET_BYTES, waitMs = WAIT_MS) {
    this.#bytesMax = bytesMax;
    this.#waitMs = waitMs;
  }

  /** Bytes counted now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The share of one body; to be released when the body is complete or given up. */
  open(hooks: ShareHooks): BodyShare {
    return new BodyShare(this, hooks, this.#waitMs);
  }

  /** For the shares: counts bytes that are in memory already. False when no more may follow for now. */
  count(share: BodyShare, byteLength: number): boolean {
    this.#heldBytes += byteLength;
    if (this.#heldBytes <= this.#bytesMax) return true;
    this.#favourite ??= share;
    if (this.#favourite === share) return true;
    this.#line.add(share);
    return false;
  }

  /** For the shares: gives bytes back. */
  give(share: BodyShare, byteLength: number): void {
    this.#heldBytes -= byteLength;
    this.#line.delete(share);
    if (this.#favourite === share) this.#favourite = undefined;
    for (const waiting of this.#line) {
      if (this.#heldBytes > this.#bytesMax && this.#favourite !== undefined) return;
      if (this.#heldBytes > this.#bytesMax) this.#favourite = waiting;
      this.#line.delete(waiting);
      waiting.admit();
    }
  }
}

/** What one body holds. */
export class BodyShare {
  readonly #budget: BodyBudget;
  readonly #hooks: ShareHooks;
  readonly #waitMs: number;
  #countedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(budget: BodyBudget, hooks: ShareHooks, waitMs: number) {
    this.#budget = budget;
    this.#hooks = hooks;
    this.#waitMs = waitMs;
  }

  /** Says how much has arrived by now; pauses the body when there is no room for more. */
  grow(receivedBytes: number): void {
    const uncounted = receivedBytes - FREE_BODY_BYTES - this.#countedBytes;
    if (uncounted <= 0) return;
    this.#countedBytes += uncounted;
    if (this.#budget.count(this, uncounted) || this.#timer !== undefined) return;
    this.#hooks.pause();
    this.#timer = setTimeout(() => this.#hooks.refuse(crowded()), this.#waitMs);
  }

  /** For the budget: the body may go on. */
  admit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hooks.resume();
  }

  /** Gives everything back. */
  release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#countedBytes > 0) this.#budget.give(this, this.#countedBytes);
    this.#countedBytes = 0;
  }
}

function crowded(): GatewayError {
  return new GatewayError("Overloaded", "Cannot read request: too many large ones arrive at once", {
    headers: { "retry-after": "1" },
    fatal: true,
  });
}
