/**
 * What to do about a peer that takes less than it is sent: watermarks with hysteresis over its buffer,
 * delays by transport, and a score that sees an overload coming.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import {
  HIGH_WATERMARK,
  LOW_WATERMARK,
  type Pressure,
  type PressureState,
} from "../core/pressure.ts";

/**
 * `passive`: work waits when the buffer is full; `active`: it is also slowed down above the high
 * watermark; `adaptive`: and by the {@link overloadScore}, before the buffer fills.
 */
export type BackpressureMode = "active" | "passive" | "adaptive";

/** How long the next piece of work is held back for what waits, ms. */
export type DelayRule = (bytes: number, messages: number) => number;

/** How a buffer is watched. */
export interface BackpressureOptions {
  /** Size of the buffer, bytes. */
  readonly bufferBytesMax: number;
  readonly mode?: BackpressureMode;
  /** Share of the buffer, 0..1. */
  readonly highWatermark?: number;
  /** Share of the buffer, 0..1. */
  readonly lowWatermark?: number;
  /** Used above the high watermark, unless the mode is passive. */
  readonly delayRule?: DelayRule;
  /** Told of each change, for `sluice_backpressure_events_total`. */
  readonly onPressure?: (state: PressureState, before: PressureState) => void;
}

/** Changes counted by the state they led to. */
export type PressureCounts = Readonly<Record<PressureState, number>>;

/** Above this score nothing more is taken. */
const SCORE_BLOCK = 0.8;
/** Above this score work is slowed down. */
const SCORE_SLOW = 0.6;

/** The state of one buffer: a comparison for each change of what waits. */
export class Backpressure implements Pressure {
  readonly #mode: BackpressureMode;
  readonly #bufferBytesMax: number;
  readonly #highBytes: number;
  readonly #lowBytes: number;
  readonly #delayRule: DelayRule;
  readonly #onPressure: BackpressureOptions["onPressure"];
  readonly #counts = { flowing: 0, backing_up: 0, blocked: 0 };
  readonly #startMs = monotonicMs();
  #state: PressureState = "flowing";
  #bytes = 0;
  #messages = 0;
  #score = 0;
  #pressedMs = 0;
  #pressedSinceMs = 0;

  constructor(options: BackpressureOptions) {
    const { bufferBytesMax } = options;
    this.#mode = options.mode ?? "active";
    this.#bufferBytesMax = bufferBytesMax;
    this.#highBytes = bufferBytesMax * (options.highWatermark ?? HIGH_WATERMARK);
    this.#lowBytes = bufferBytesMax * (options.lowWatermark ?? LOW_WATERMARK);
    this.#delayRule = options.delayRule ?? (() => 0);
    this.#onPressure = options.onPressure;
  }

  get state(): PressureState {
    return this.#state;
  }

  /** How often each state was entered. */
  get counts(): PressureCounts {
    return { ...this.#counts };
  }

  /** Share of the time so far in which the state was not `flowing`, 0..1. */
  get pressedShare(): number {
    const nowMs = monotonicMs();
    const current = this.#state === "flowing" ? 0 : nowMs - this.#pressedSinceMs;
    const allMs = nowMs - this.#startMs;
    return allMs > 0 ? (this.#pressedMs + current) / allMs : 0;
  }

  get delayMs(): number {
    if (this.#mode === "passive" || this.#state === "flowing") return 0;
    const byRule = this.#delayRule(this.#bytes, this.#messages);
    return this.#isPredicted(SCORE_SLOW) ? Math.max(byRule, scoreDelayMs(this.#score)) : byRule;
  }

  update(bytes: number, messages: number): void {
    this.#bytes = bytes;
    this.#messages = messages;
    const next = this.#next(bytes);
    if (next !== this.#state) this.#enter(next);
  }

  /** Takes the latest figures; they count from the next change of what waits. Only in mode `adaptive`. */
  observe(figures: OverloadFigures): void {
    this.#score = overloadScore(figures);
  }

  /** An empty buffer flows, whatever is predicted: nothing would come to change its state. */
  #next(bytes: number): PressureState {
    if (bytes === 0) return "flowing";
    if (bytes > this.#bufferBytesMax || this.#isPredicted(SCORE_BLOCK)) return "blocked";
    if (this.#state === "blocked" && bytes > this.#lowBytes) return "blocked";
    if (bytes > this.#highBytes || this.#isPredicted(SCORE_SLOW)) return "backing_up";
    if (this.#state === "backing_up" && bytes > this.#lowBytes) return "backing_up";
    return "flowing";
  }

  #isPredicted(score: number): boolean {
    return this.#mode === "adaptive" && this.#score > score;
  }

  #enter(next: PressureState): void {
    const before = this.#state;
    this.#state = next;
    this.#counts[next]++;
    const nowMs = monotonicMs();
    if (before === "flowing") this.#pressedSinceMs = nowMs;
    else if (next === "flowing") this.#pressedMs += nowMs - this.#pressedSinceMs;
    this.#onPressure?.(next, before);
  }
}

const TCP_PENDING_BYTES = 64 * 1024;
const TCP_BYTES_PER_MS = 1024;
/** No rule holds work back for longer, ms. */
const DELAY_MS_MAX = 100;

/** TCP: a millisecond for each KiB that is pending beyond what is usual, at most 100. */
export const tcpDelayMs: DelayRule = (bytes) =>
  bytes > TCP_PENDING_BYTES ? Math.min(DELAY_MS_MAX, Math.floor(bytes / TCP_BYTES_PER_MS)) : 0;

/** stdio: 10 ms above 1000 messages, 50 ms above 10,000. */
export const stdioDelayMs: DelayRule = (_bytes, messages) =>
  messages > 10_000 ? 50 : messages > 1000 ? 10 : 0;

/**
 * WebSocket: a buffer that holds what is under way within one round trip, and not more.
 *
 * @param rttMs round trip of the peer, ms
 * @param bytesPerSecond what it has taken lately
 * @param bytesMin below this it would throttle a peer that was idle
 * @param bytesMax the limit of the buffer
 */
export function websocketBufferBytes(
  rttMs: number,
  bytesPerSecond: number,
  bytesMin: number,
  bytesMax: number,
): number {
  return Math.min(bytesMax, Math.max(bytesMin, Math.round(rttMs * bytesPerSecond / 1000)));
}

/** What an overload is predicted from; all about one peer, over the same time. */
export interface OverloadFigures {
  /** Messages that wait, and how many may. */
  readonly queueDepth: number;
  readonly queueDepthMax: number;
  /** Messages that arrived and that left, per second. */
  readonly arrivedPerSecond: number;
  readonly sentPerSecond: number;
  /** Latency now and when all is well, ms. */
  readonly latencyMs: number;
  readonly usualLatencyMs: number;
  /** Share of failures, 0..1. */
  readonly errorRate: number;
}

/** A latency of so many times the usual counts in full. */
const LATENCY_RISE_MAX = 10;
/** An error rate of this counts in full. */
const ERROR_RATE_MAX = 0.2;

/**
 * 0 for a peer that keeps up, 1 for one that is lost:
 *
 *     0.4 * queueDepth / queueDepthMax
 *   + 0.2 * (1 - sentPerSecond / arrivedPerSecond)
 *   + 0.25 * (latencyMs / usualLatencyMs - 1) / 9
 *   + 0.15 * errorRate / 0.2
 *
 * each fraction held within 0..1. Above 0.8 nothing more is taken, above 0.6 work is slowed down. A full
 * queue of which nothing leaves, at ten times the usual latency, is 0.85; no figure reaches 0.6 alone.
 */
export function overloadScore(figures: OverloadFigures): number {
  const { arrivedPerSecond, sentPerSecond, latencyMs, usualLatencyMs } = figures;
  const queue = share(figures.queueDepth, figures.queueDepthMax);
  const lag = share(arrivedPerSecond - sentPerSecond, arrivedPerSecond);
  const rise = share(latencyMs - usualLatencyMs, (LATENCY_RISE_MAX - 1) * usualLatencyMs);
  const errors = share(figures.errorRate, ERROR_RATE_MAX);
  return 0.4 * queue + 0.2 * lag + 0.25 * rise + 0.15 * errors;
}

/** How long work is held back at a score: its hundredths, ms. */
export function scoreDelayMs(score: number): number {
  return score > SCORE_SLOW ? Math.min(DELAY_MS_MAX, Math.round(100 * score)) : 0;
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
