/**
 * Whether the peer of a WebSocket is still there, by ping and pong.
 *
 * @module
 */
import type { WebSocketLimits } from "./options.ts";

/** What there is to do. */
export type Verdict = "fine" | "ping" | "gone";

/** Two pings in a row without a sign of life mean that the peer has gone. */
const MISSED_MAX = 2;

/** The state of one peer. */
export class Liveness {
  readonly #limits: WebSocketLimits;
  #pingDueMs: number;
  #pongDueMs = Infinity;
  #missed = 0;
  #wasHeard = false;

  constructor(limits: WebSocketLimits, nowMs: number) {
    this.#limits = limits;
    this.#pingDueMs = nowMs + limits.pingIntervalMs;
  }

  /** Something came. */
  hear(): void {
    this.#wasHeard = true;
  }

  /** @param isPaused the peer is not being read: its silence is our doing */
  look(nowMs: number, isPaused: boolean): Verdict {
    if (this.#wasHeard || isPaused) {
      this.#wasHeard = false;
      this.#missed = 0;
      this.#pongDueMs = Infinity;
    }
    if (nowMs >= this.#pongDueMs) {
      if (++this.#missed >= MISSED_MAX) return "gone";
    } else if (this.#pongDueMs < Infinity || nowMs < this.#pingDueMs) return "fine";
    this.#pongDueMs = nowMs + this.#limits.pongTimeoutMs;
    this.#pingDueMs = nowMs + this.#limits.pingIntervalMs;
    return "ping";
  }
}
