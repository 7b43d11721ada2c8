/**
 * How an outbox tells that its peer falls behind. The rules are in lib/framing/backpressure.ts.
 *
 * @module
 */

/** `flowing`: there is room; `backing_up`: above the high watermark; `blocked`: no room. */
export type PressureState = "flowing" | "backing_up" | "blocked";

/** Above this share of a buffer a peer backs up. */
export const HIGH_WATERMARK = 0.8;
/** At this share of a buffer and below, it flows again. */
export const LOW_WATERMARK = 0.3;

/** Watches one buffer. */
export interface Pressure {
  readonly state: PressureState;
  /** How long the next piece of work for this peer should be held back, ms; 0 for not at all. */
  readonly delayMs: number;
  /** What waits has changed: bytes and messages, those being written included. */
  update(bytes: number, messages: number): void;
}
