/**
 * What a pool knows of one member. Plain numbers, brought up to date in place: no allocation per call.
 *
 * @module
 */

/** Least weight of the newest call in the moving averages: about the last 20 calls count. */
const NEWEST = 0.1;
/** What was learned so long ago counts for 1/e, ms: a member that is tried after long is judged by that. */
const FADE_MS = 10_000;

/** Figures of one member, by which strategies choose. */
export class MemberStats {
  /** Its place in the pool; a member that replaces another takes its place. */
  readonly index: number;
  /** When it became usable, ms of the pool's clock. */
  readonly sinceMs: number;
  /** Calls under way. */
  pending = 0;
  /** Calls that ended, well or not. */
  calls = 0;
  /** Moving average of the time to a good answer, ms; 0 before the first. */
  latencyMs = 0;
  /** Moving average of failed calls, 0 to 1. */
  errorRate = 0;
  /** When it was last of use, ms of the pool's clock. */
  lastMs: number;

  constructor(index: number, nowMs: number) {
    this.index = index;
    this.sinceMs = nowMs;
    this.lastMs = nowMs;
  }

  /** A call was handed over. */
  begin(): void {
    this.pending++;
  }

  /** A call ended in a way that says nothing of the member: its client has gone. */
  leave(nowMs: number): void {
    this.pending--;
    this.lastMs = nowMs;
  }

  /** It was of use just now. */
  touch(nowMs: number): void {
    this.lastMs = nowMs;
  }

  /** A call ended. A failed one says nothing of how long an answer takes. */
  end(latencyMs: number, failed: boolean, nowMs: number): void {
    const newest = Math.max(NEWEST, 1 - Math.exp((this.lastMs - nowMs) / FADE_MS));
    this.pending--;
    this.calls++;
    this.lastMs = nowMs;
    this.errorRate += newest * ((failed ? 1 : 0) - this.errorRate);
    if (failed) return;
    this.latencyMs = this.latencyMs === 0
      ? latencyMs
      : this.latencyMs + newest * (latencyMs - this.latencyMs);
  }
}
