/**
 * The part of the schema that makes a pool of an upstream.
 *
 * @module
 */
import { z } from "zod";
import { about, count, ms } from "./schema_parts.ts";

/** How the member for a call is chosen. */
export const POOL_STRATEGIES = [
  "roundRobin",
  "leastLoaded",
  "leastLatency",
  "weightedRoundRobin",
  "adaptive",
] as const;
/** Which requests of a session always go to the same member. */
export const AFFINITIES = ["state", "session"] as const;

const MEMBERS_MAX = 1000;

/** Settings of a pool; each member is one process or connection that all clients share. */
export const pool = z.strictObject({
  min: count(1, MEMBERS_MAX, 1, "members that stand from the first call on", "members"),
  max: count(1, MEMBERS_MAX, 10, "most members: more than min are started under load", "members"),
  strategy: about(z.enum(POOL_STRATEGIES).default("leastLoaded"), {
    description: "how the member for a call is chosen (docs/tuning.md)",
  }),
  callsPerMember: about(z.int().min(1).max(100_000).optional(), {
    description:
      "calls that a member is given at once; 1 for programs that do one thing after the other, no limit where nothing is said",
    unit: "calls",
  }),
  affinity: about(z.enum(AFFINITIES).default("state"), {
    description:
      "state: what belongs to the state of a session always goes to the same member; session: all of its requests do, for servers that remember their clients",
  }),
  checkoutMs: ms(5_000, "a call that finds no free member for so long is refused"),
  idleMs: ms(300_000, "a member above min that has nothing to do for so long is stopped"),
  queue: count(0, 1_000_000, 1_000, "calls that may wait for a member", "calls"),
}).superRefine(({ min, max }, context) => {
  if (min <= max) return;
  context.addIssue({ code: "custom", message: `has a min of ${min} above its max of ${max}` });
});

/** A pool as configured. */
export type PoolSettings = z.output<typeof pool>;
