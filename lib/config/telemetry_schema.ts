/**
 * The part of the schema that says what the gateway tells of itself: log, traces, metrics.
 *
 * @module
 */
import { z } from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "./choices.ts";
import { DEFAULTS } from "./defaults.ts";
import { about, count, ms, text } from "./schema_parts.ts";

const { log: L, tracing: T } = DEFAULTS;
const HTTP = /^https?:\/\/[^/]/i;

/** `sluice.log`. */
export const log = z.strictObject({
  level: about(z.enum(LOG_LEVELS).default(L.level), {
    description: "least serious line that is written",
    flag: "--log-level LEVEL",
  }),
  levels: about(z.record(z.string().regex(/^[a-z][\w-]{0,63}$/), z.enum(LOG_LEVELS)).default({}), {
    description: "the same for single modules, by the name in their lines",
    unit: "levels",
  }),
  format: about(z.enum(LOG_FORMATS).default(L.format), {
    description: "form of a line; auto is text on a terminal and json elsewhere",
    flag: "--log-format FORMAT",
  }),
  path: about(z.string().default(L.path), {
    description: "file of the log; empty for stderr",
    unit: "path",
  }),
});

/** `sluice.tracing`. */
export const tracing = z.strictObject({
  endpoint: about(z.string().default(T.endpoint), {
    description:
      "collector for traces and metrics by OTLP over HTTP, as http://127.0.0.1:4318; empty for none",
    unit: "URL",
  }),
  headers: about(z.record(z.string(), text).default({}), {
    description: "headers of requests to the collector, best as ${VAR}",
    unit: "headers",
  }),
  sample: about(z.number().min(0).max(1).optional(), {
    description: "share of calls that are traced; 0.05 where nothing is said",
    unit: "0 to 1",
  }),
  parentBased: about(z.boolean().optional(), {
    description:
      "whether a client that sends a trace context decides for its calls; true where nothing is said",
  }),
  service: about(z.string().max(128).default(T.service), {
    description: "name of this gateway among services; sluice where nothing is said",
  }),
  metrics: about(z.boolean().default(T.metrics), {
    description: "whether metrics are sent besides traces",
  }),
  metricsMs: ms(T.metricsMs, "time between two reports of the metrics"),
  spans: count(16, 1_000_000, T.spans, "spans that may wait for the collector", "spans"),
  batchSpans: count(1, 10_000, T.batchSpans, "spans of one request to the collector", "spans"),
  batchMs: ms(T.batchMs, "spans wait so long for company"),
  timeoutMs: ms(T.timeoutMs, "an answer of the collector that takes longer is none"),
  flushMs: ms(T.flushMs, "how long the end of the gateway waits for the collector"),
}).superRefine(({ endpoint }, context) => {
  if (endpoint === "") return;
  const url = HTTP.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const fail = (message: string) => context.addIssue({ code: "custom", message });
  if (url === undefined) fail("has an endpoint that is no http or https URL");
  else if (url.username !== "" || url.password !== "") {
    fail("has an endpoint with a user or password in it; give headers");
  }
});
