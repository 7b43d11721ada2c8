/**
 * How a long-running command ends: in order at the first signal or when its input has ended, at once
 * at the second signal.
 *
 * @module
 */
import type { Assembly } from "../assemble.ts";
import { stopSignals } from "./signals.ts";

/** Runs a gateway until it is told to stop or has nothing left to serve; then drains it. */
export async function runUntilStopped(assembly: Assembly): Promise<void> {
  using signals = stopSignals();
  await Promise.race([once(signals.drain), assembly.ended]);
  const { drainMs } = assembly.config.limits;
  const hardEnd = AbortSignal.any([AbortSignal.timeout(drainMs), signals.exit]);
  const drained = assembly.drain(hardEnd);
  await Promise.race([drained, once(signals.exit)]); // the watchdog ends the children of a gateway that just exits
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
