/**
 * Settings of what the gateway finds out about itself: capacity, anomalies, objectives.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, ms } from "./schema_parts.ts";

const { capacity: C, anomalies: A, objectives: O } = DEFAULTS;

function share(value: number, description: string) {
  return about(z.number().gt(0).max(1).default(value), { description, unit: "0 to 1" });
}

/** `sluice.capacity`: from where on too much is used. */
export const capacity = z.strictObject({
  cpu: share(C.cpu, "share of one core, or of the container's part of one, that is too much"),
  memory: share(C.memory, "share of the container's, or the machine's, memory, or of the heap"),
  connections: share(C.connections, "share of the connections that may be open"),
  bandwidth: share(C.bandwidth, "share of the network in either direction"),
  networkBitsPerS: about(
    z.int().min(0).max(1_000_000_000_000).default(C.networkBitsPerS),
    {
      description:
        "speed of the network; 0 for that of the fastest interface, and no figure where none is known",
      unit: "bits a second",
    },
  ),
});

/** `sluice.anomalies`: when a signal is strange. */
export const anomalies = z.strictObject({
  enabled: about(z.boolean().default(A.enabled), {
    description: "rate, errors and latency are compared with their own past",
  }),
  score: about(z.number().min(1).max(1000).default(A.score), {
    description: "distance from the mean that is strange",
    unit: "deviations",
  }),
  warmUpMs: ms(A.warmUpMs, "nothing is judged before so much was seen"),
  halfLifeMs: ms(A.halfLifeMs, "what is so old counts for half"),
});

/** `sluice.objectives`: what the service should be. */
export const objectives = z.strictObject({
  availability: share(O.availability, "least share of requests for which a server was there"),
  errors: share(O.errors, "largest share of requests answered with an error"),
  p95Ms: ms(O.p95Ms, "95 of 100 requests take no longer"),
});
