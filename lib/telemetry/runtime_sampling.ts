/**
 * Samples the event loop: how much later than asked does a timer run?
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { backgroundTimer } from "./background_timer.ts";
import type { HistogramChild } from "./histogram.ts";

/** Where the samples go: the gateway's metrics, or a part of them. */
export interface RuntimeSamples {
  readonly eventLoopDelay: Pick<HistogramChild, "observe">;
}

/** How {@link startRuntimeSampling} samples. */
export interface RuntimeSamplingOptions {
  /** Time between two samples, ms; 200 when absent. Shorter stalls of the loop are seen in proportion. */
  readonly intervalMs?: number;
  /** Monotonic clock, ms. */
  readonly nowMs?: () => number;
}

/** Starts sampling; dispose the result to stop. The timer does not keep the process alive. */
export function startRuntimeSampling(
  metrics: RuntimeSamples,
  { intervalMs = 200, nowMs = monotonicMs }: RuntimeSamplingOptions = {},
): Disposable {
  let dueMs = 0;
  let timer: Disposable;
  const arm = () => {
    dueMs = nowMs() + intervalMs;
    timer = backgroundTimer(sample, intervalMs);
  };
  const sample = () => {
    metrics.eventLoopDelay.observe(Math.max(0, nowMs() - dueMs) / 1000);
    arm();
  };
  arm();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
