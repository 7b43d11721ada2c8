/**
 * Connections of a private hop that were seen already. Within a connection a counter shows what is sent again;
 * this shows a connection that somebody has recorded and plays once more.
 *
 * @module
 */

/** Clocks of the two ends may differ by so much, and so long is remembered, ms. */
export const HOP_CLOCK_SKEW_MS = 120_000;
/** Connections remembered; more within the time are refused. */
const REMEMBERED_MAX = 100_000;

/** Remembers who came in. What came before it began to remember is refused: it cannot know. */
export class ReplayGuard {
  readonly #now: () => number;
  readonly #sinceMs: number;
  /** Clients by when they may be forgotten, in this order. */
  readonly #seen = new Map<string, number>();

  /** @param now wall clock, ms since 1970: the two ends have nothing else in common */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#sinceMs = now();
  }

  /**
   * Takes a new connection in.
   *
   * @param openedMs when its client says that it was opened, ms since 1970
   * @returns why it must be refused; `undefined` when it is new
   */
  refusal(client: string, openedMs: number): string | undefined {
    const nowMs = this.#now();
    if (!(Math.abs(nowMs - openedMs) <= HOP_CLOCK_SKEW_MS)) return "the clocks differ too much";
    if (openedMs < this.#sinceMs) return "it was opened before this listener";
    for (const [known, untilMs] of this.#seen) {
      if (untilMs >= nowMs) break;
      this.#seen.delete(known);
    }
    if (this.#seen.has(client)) return "it has been opened before";
    if (this.#seen.size >= REMEMBERED_MAX) return "too many were opened lately";
    this.#seen.set(client, nowMs + 2 * HOP_CLOCK_SKEW_MS);
  }
}
