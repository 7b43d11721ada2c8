/**
 * Which era of the protocol a server speaks, for whoever does not know.
 *
 * @module
 */
import type { Era } from "../core/eras.ts";
import { Caller } from "./caller.ts";
import type { Dial, Plan } from "./plan.ts";
import { Tally } from "./tally.ts";

/** A server that has not answered the probe by then speaks the handshake, ms. */
const PROBE_MS = 5_000;

/** Asks once, on a connection that is closed again. Whatever fails here will tell why when the bench begins. */
export async function probedEra(plan: Plan, dial: Dial, signal: AbortSignal): Promise<Era> {
  const work = {
    plan: { ...plan, era: "modern" as const },
    dial,
    questions: [],
    tally: new Tally(),
  };
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
    await using _caller = await Caller.open(work, 0, bounded);
    return "modern";
  } catch {
    return "legacy";
  }
}
