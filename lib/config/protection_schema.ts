/**
 * Settings of what guards the gateway against its clients.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { network } from "./http_schema.ts";
import { about, count, ms, text } from "./schema_parts.ts";

const { rate: R, deny: D, suspicion: S, threats: T, audit: A } = DEFAULTS;
const CALLS_MAX = 10_000_000;

/** Rules that the gateway brings along; `lib/policy/threat_rules.ts` has their texts. */
export const THREAT_RULES = [
  "script_tag",
  "javascript_url",
  "event_handler",
  "template_expression",
] as const;

/** `sluice.rate`. */
export const rate = z.strictObject({
  enabled: about(z.boolean().default(R.enabled), { description: "calls are limited" }),
  perSecond: count(
    1,
    CALLS_MAX,
    R.perSecond,
    "calls of a principal; of an address where nobody is proved",
    "calls a second",
  ),
  burst: count(1, CALLS_MAX, R.burst, "calls at once after a rest", "calls"),
  tiers: about(
    z.record(z.string(), z.int().min(1).max(CALLS_MAX)).default({ ...R.tiers }),
    { description: "limits of principals that have a tier, besides", unit: "calls a minute" },
  ),
  unknownTier: count(
    1,
    CALLS_MAX,
    R.unknownTier,
    "limit of principals whose tier is not among these",
    "calls a minute",
  ),
  loopback: about(z.boolean().default(R.loopback), {
    description: "clients of this machine that prove nothing are limited, too",
  }),
});

/** `sluice.deny`. */
export const deny = z.strictObject({
  addresses: about(z.array(network).default([...D.addresses]), {
    description: "clients that are not served",
    unit: "address or network",
  }),
  principals: about(z.array(text).default([...D.principals]), {
    description: "the same for those who are proved",
    unit: "principals",
  }),
});

/** `sluice.suspicion`. */
export const suspicion = z.strictObject({
  enabled: about(z.boolean().default(S.enabled), {
    description: "clients that keep failing are refused for a time",
  }),
  score: about(z.number().min(1).max(1_000_000).default(S.score), {
    description: "points at which that begins; a failed authentication is one",
    unit: "points",
  }),
  halfLifeMs: ms(S.halfLifeMs, "after so long half of the points are left"),
  refuseMs: ms(S.refuseMs, "how long such a client is refused"),
  loopback: about(z.boolean().default(S.loopback), {
    description: "clients of this machine are suspected, too",
  }),
});

const LITERALS_CHARS_MAX = 20_000;

/** `sluice.threats`. */
export const threats = z.strictObject({
  mode: about(z.enum(["off", "log", "deny"]).default(T.mode), {
    description: "what happens to calls that hold what the rules look for",
  }),
  builtin: about(z.array(z.enum(THREAT_RULES)).default([...THREAT_RULES]), {
    description: "rules of the gateway that are used",
  }),
  rules: about(z.record(z.string(), z.array(z.string().min(2).max(200))).default({}), {
    description:
      "own rules: texts by name, found in any case of ASCII letters; 20,000 characters in all",
    unit: "texts",
  }),
}).superRefine(({ rules }, context) => {
  const characters = Object.values(rules).flat().reduce((sum, { length }) => sum + length, 0);
  if (characters <= LITERALS_CHARS_MAX) return;
  context.addIssue({ code: "custom", message: "has too much text in its rules; give less" });
});

/** `sluice.audit`. */
export const audit = z.strictObject({
  path: about(z.string().default(A.path), {
    description: "file of the audit log; empty for lines of the normal log",
    unit: "path",
  }),
});
