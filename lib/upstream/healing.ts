/**
 * Brings a server back that is there and does not answer: each step goes further than the one before, and
 * is taken only when that was in vain. The order and the pauses are here, what a step does is the patient's.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { pause } from "../core/waiting.ts";

/**
 * `restart`: its connection is ended, and its process with it; `clear`: whoever waits for it is sent away;
 * `reset`: its place in the pool is given to another; `fallback`: another endpoint is used.
 */
export type HealingStep = typeof HEALING_STEPS[number];

/** The steps in their order. */
export const HEALING_STEPS = ["restart", "clear", "reset", "fallback"] as const;

/** What can be healed. */
export interface Patient {
  /** Takes a step. */
  take(step: HealingStep): void;
  /** Whether it answers now; bounded in time. */
  isWell(signal: AbortSignal): Promise<boolean>;
}

/** What healing reports. */
export interface HealingEvents {
  /** A step is taken. */
  step(step: HealingStep): void;
  /** It answers again after this step; `undefined` when no step has helped. */
  ended(step: HealingStep | undefined): void;
}

/**
 * Takes one step after the other until one has helped. A step waits for the outcome of the one before, and
 * comes at least `stepMs` after it.
 *
 * @throws the reason of the signal when it aborts
 */
export async function heal(
  patient: Patient,
  stepMs: number,
  events: HealingEvents,
  signal: AbortSignal,
): Promise<void> {
  for (const step of HEALING_STEPS) {
    signal.throwIfAborted();
    events.step(step);
    patient.take(step);
    const startMs = monotonicMs();
    if (await patient.isWell(signal)) return events.ended(step);
    await pause(Math.max(0, stepMs - (monotonicMs() - startMs)), signal);
  }
  events.ended(undefined);
}
