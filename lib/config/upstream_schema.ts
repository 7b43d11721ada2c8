/**
 * Settings of one server behind the gateway.
 *
 * @module
 */
import { z } from "zod";
import { aggregationShape } from "./aggregation_schema.ts";
import { ERAS, SHARINGS } from "./choices.ts";
import { upstreamAuth } from "./oauth_schema.ts";
import { pool } from "./pool_schema.ts";
import { breakerPart, calls } from "./resilience_schema.ts";
import { about, text } from "./schema_parts.ts";

/** Where a server answers, or how it is started. */
const way = {
  url: about(text.optional(), { description: "where the server answers", unit: "URL" }),
  command: about(text.optional(), { description: "program to start, never through a shell" }),
  args: about(z.array(z.string()).optional(), { description: "arguments of the program" }),
  env: about(z.record(z.string(), z.string()).optional(), {
    description: "added to the environment of the program",
  }),
  cwd: about(text.optional(), { description: "working directory of the program", unit: "path" }),
  headers: about(z.record(z.string(), z.string()).optional(), {
    description: "added to every HTTP request towards the url",
  }),
};

type Way = { readonly [Key in keyof typeof way]?: unknown };

/** One entry of `endpoints`. */
export const endpoint = z.strictObject({
  ...way,
  priority: about(z.number().min(1).max(10).optional(), {
    description:
      "10 is most wanted; 5 where others have one, else by order: the first is most wanted",
    unit: "1 to 10",
  }),
}).superRefine(checkWay);

/** One entry of `sluice.upstreams`. */
export const upstream = z.strictObject({
  ...way,
  endpoints: about(z.array(endpoint).min(1).optional(), {
    description: "several ways to the same server, instead of url or command",
    unit: "map with url or command",
  }),
  quorum: about(z.boolean().optional(), {
    description:
      "the endpoints are servers of their own: all are asked, and what more than half of them say is the answer",
  }),
  breaker: about(breakerPart.optional(), {
    description: "instead of the breaker of all upstreams",
  }),
  hedgeMs: about(z.int().min(1).max(60_000).optional(), {
    description: "calls without effects that are unanswered for so long are sent a second time",
    unit: "ms",
  }),
  calls: about(calls.optional(), { description: "how many calls it is given at once" }),
  sharing: about(z.enum(SHARINGS).default("perSession"), {
    description: "one process or connection per session, or one shared by all clients",
    flag: "--shared",
  }),
  era: about(z.enum(ERAS).default("auto"), {
    description: "era of the protocol it is spoken to in; auto finds out",
    flag: "--upstream-era ERA",
  }),
  auth: about(upstreamAuth.optional(), {
    description: "how the gateway proves itself to a server over HTTP (docs/oauth.md)",
  }),
  pool: about(pool.optional(), {
    description: "several processes or connections, each shared by all clients",
  }),
  ...aggregationShape,
}).superRefine((entry, context) => {
  const isBare = Object.keys(way).every((key) => (entry as Way)[key as keyof Way] === undefined);
  if (entry.endpoints === undefined && isBare && !entry.quorum) return; // says more of a listed server
  if (entry.endpoints === undefined) {
    checkWay(entry, context);
    if (entry.quorum) {
      context.addIssue({ code: "custom", message: "has a quorum of one; give endpoints" });
    }
    return;
  }
  const beside = Object.keys(way).find((key) => (entry as Way)[key as keyof Way] !== undefined);
  if (beside === undefined) return;
  context.addIssue({
    code: "custom",
    message: `has endpoints and ${beside}; move it into one of them`,
  });
});

function checkWay(entry: Way, context: z.RefinementCtx): void {
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  if (entry.url === undefined && entry.command === undefined) {
    refuse("has neither url nor command; give one of them");
  } else if (entry.url !== undefined && entry.command !== undefined) {
    refuse("has both url and command; keep one of them");
  } else if (entry.url === undefined && entry.headers !== undefined) {
    refuse("has headers, which a command cannot take; use env");
  } else if (entry.command === undefined && (entry.args ?? entry.env ?? entry.cwd) !== undefined) {
    refuse("has args, env or cwd, which a url cannot take; use headers");
  }
}
