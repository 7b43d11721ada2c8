/**
 * The part of the schema that says what happens when servers fail.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, count, ms, type SettingMeta, text } from "./schema_parts.ts";

const { breaker: B, failover: F, restarts: R, healing: H, degraded: G } = DEFAULTS;

const breakerShape = {
  failures: count(1, 1_000_000, B.failures, "failures in a row that open the circuit", "failures"),
  errorRate: about(z.number().gt(0).max(1).default(B.errorRate), {
    description: "share of failures among at least 20 calls of the window that opens it",
    unit: "0 to 1",
  }),
  windowMs: ms(B.windowMs, "window of the error rate"),
  openMs: ms(
    B.openMs,
    "it stays open for so long before one call is let through to try; at most 2 s for a server with one endpoint",
  ),
  successes: count(1, 1000, B.successes, "tries that have to succeed before it closes", "tries"),
  securityEvents: count(
    0,
    1_000_000,
    B.securityEvents,
    "failures of TLS and violations of the protocol within the window that open it; 0 for never",
    "events",
  ),
};

/** When a server that fails is left alone. */
export const breaker = z.strictObject(breakerShape);

/** The same where only some of it is said. */
export const breakerPart = z.strictObject({
  failures: optional(breakerShape.failures),
  errorRate: optional(breakerShape.errorRate),
  windowMs: optional(breakerShape.windowMs),
  openMs: optional(breakerShape.openMs),
  successes: optional(breakerShape.successes),
  securityEvents: optional(breakerShape.securityEvents),
});

/** Without its default, but as well described. */
function optional<S extends z.ZodType>(setting: z.ZodDefault<S>) {
  return about(setting.unwrap().optional(), setting.meta() as unknown as SettingMeta);
}

/** How servers with several endpoints move between them. */
export const failover = z.strictObject({
  checkMs: ms(
    F.checkMs,
    "an endpoint that no call has used for so long is asked whether it is well",
  ),
  windowMs: ms(F.windowMs, "health is judged by so much of the past"),
  steadyMs: ms(F.steadyMs, "connections move to an endpoint that has been well for so long"),
  switchMs: ms(F.switchMs, "they move at most once in so long, unless the endpoint in use is dead"),
});

/** How often a program that ends by itself is started again. */
export const restarts = z.strictObject({
  max: count(
    1,
    1_000_000,
    R.max,
    "restarts of one process within the window; when it ends once more it has failed",
    "restarts",
  ),
  windowMs: ms(R.windowMs, "window of these"),
  coolDownMs: ms(
    R.coolDownMs,
    "one that has failed is left alone for so long, twice as long each time that it fails again",
  ),
  coolDownMaxMs: ms(R.coolDownMaxMs, "the longest that becomes"),
});

/** How a server that hangs is found and brought back. */
export const healing = z.strictObject({
  timeouts: count(
    0,
    1_000_000,
    H.timeouts,
    "calls in a row without an answer in time after which a server is asked whether it is there; 0 for never",
    "calls",
  ),
  pingMs: ms(H.pingMs, "without an answer to that for so long it hangs and is restarted"),
  stepMs: ms(H.stepMs, "between this and each further step"),
});

/** When only what matters most is served. */
export const degraded = z.strictObject({
  enabled: about(z.boolean().default(G.enabled), {
    description: "under strain all but some methods are refused",
  }),
  methods: about(z.array(text).default([...G.methods]), {
    description: "methods that stay on",
    unit: "methods",
  }),
  errorRate: about(z.number().gt(0).max(1).default(G.errorRate), {
    description: "share of failures of servers among at least 20 calls that is strain",
    unit: "0 to 1",
  }),
  bufferShare: about(z.number().gt(0).max(1).default(G.bufferShare), {
    description: "share of the memory for outgoing buffers that is strain",
    unit: "0 to 1",
  }),
  windowMs: ms(G.windowMs, "failures are counted over so long"),
  holdMs: ms(G.holdMs, "the mode lasts for so long at least"),
});

/** How many calls one server is given. */
export const calls = z.strictObject({
  max: about(z.int().min(1).max(100_000), {
    description: "calls at once towards the server",
    unit: "calls",
  }),
  queue: count(0, 1_000_000, 1_000, "calls that may wait, the clients in turn", "calls"),
  queueMs: ms(5_000, "a call that has waited for so long is refused"),
});
