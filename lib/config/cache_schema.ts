/**
 * The part of the schema that says what is answered without asking a server again.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, bytes, count } from "./schema_parts.ts";

const { cache: C } = DEFAULTS;

const DAY_MS = 86_400_000;

/** Answers to lists and reads that are kept. */
export const cache = z.strictObject({
  enabled: about(z.boolean().default(C.enabled), {
    description:
      "lists and resources are answered from memory where their server lets them be kept",
  }),
  bytes: bytes(65_536, C.bytes, "memory for answers of all servers together"),
  entries: count(1, 10_000_000, C.entries, "answers that are kept at most", "answers"),
  ttlMs: count(
    0,
    DAY_MS,
    C.ttlMs,
    "an answer that does not say how long it is good for is kept for so long; 0 for not at all",
    "ms",
  ),
  toldMs: count(
    0,
    DAY_MS,
    C.toldMs,
    "a list whose server tells of changes is kept for so long, if it tells of none",
    "ms",
  ),
  declaredMsMax: count(
    0,
    30 * DAY_MS,
    C.declaredMsMax,
    "the longest time to live that a server is believed",
    "ms",
  ),
});
