/**
 * The part of the schema that says how a server stands among others behind one endpoint.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, text } from "./schema_parts.ts";

/** When a server is reached first. */
export const STARTS = ["lazy", "eager"] as const;
/** When a server is reached first. */
export type Start = typeof STARTS[number];

const PATTERNS_MAX = 1000;
const PATTERN_LENGTH_MAX = 256;
/** Most milliseconds a timer of the runtime can wait. */
const TIMER_MS_MAX = 2_147_483_647;

const patterns = z.array(text.max(PATTERN_LENGTH_MAX)).max(PATTERNS_MAX);

const tools = z.strictObject({
  allow: about(patterns.optional(), {
    description: "the only tools that exist for clients; * stands for any characters, ? for one",
    unit: "pattern",
  }),
  deny: about(patterns.optional(), {
    description: "tools that do not exist for clients, even if allowed",
    unit: "pattern",
  }),
});

/** Settings of several servers together. */
export const aggregate = z.strictObject({
  searchTool: about(z.boolean().default(DEFAULTS.aggregate.searchTool), {
    description:
      "more than 100 tools of several servers are not listed but found, by a tool that searches for them",
  }),
});

/** Settings of one server among several. */
export const aggregationShape = {
  tools: about(tools.prefault({}), { description: "which of its tools exist for clients" }),
  start: about(z.enum(STARTS).default("lazy"), {
    description: "of several servers: reached for the first client, or when the gateway starts",
  }),
  idleStopMs: about(z.int().min(0).max(TIMER_MS_MAX).default(0), {
    description:
      "of several servers: connections and processes unused for so long end until they are needed; 0 for never",
    unit: "ms",
  }),
};
