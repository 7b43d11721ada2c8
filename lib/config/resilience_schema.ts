/**
 * The part of the schema that says what happens when servers fail.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, count, ms, type SettingMeta } from "./schema_parts.ts";

const { breaker: B, failover: F } = DEFAULTS;

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
