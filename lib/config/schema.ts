/**
 * The zod schema of everything under the key `sluice`: single source of the file, the environment,
 * the flags, the help text, docs/configuration.md and docs/sluice.schema.json.
 *
 * @module
 */
import { isIP } from "node:net";
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { aggregate, aggregationShape } from "./aggregation_schema.ts";
import { pool } from "./pool_schema.ts";
import {
  breaker,
  breakerPart,
  calls,
  degraded,
  failover,
  healing,
  restarts,
} from "./resilience_schema.ts";
import { about, bytes, count, ms, type SettingMeta, text } from "./schema_parts.ts";

export type { SettingMeta };

/** Whether one process or connection of an upstream serves one client or all of them. */
export const SHARINGS = ["perSession", "shared"] as const;
/** Eras of the protocol that one side is spoken to in: with a handshake, without one, or both. */
export const ERAS = ["auto", "legacy", "modern"] as const;
/** Thresholds of the log, as `lib/telemetry` knows them, most talkative first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
/** Whose HTTP answers are compressed. */
export const COMPRESSIONS = ["auto", "on", "off"] as const;
/** Forms of a log line; `auto` is text on a terminal and JSON elsewhere. */
export const LOG_FORMATS = ["auto", "json", "text"] as const;

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

const endpoint = z.strictObject({
  ...way,
  priority: about(z.number().min(1).max(10).optional(), {
    description:
      "10 is most wanted; 5 where others have one, else by order: the first is most wanted",
    unit: "1 to 10",
  }),
}).superRefine(checkWay);

const upstream = z.strictObject({
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

const D = DEFAULTS;

const host = z.string().regex(/^(\*|(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?)$/, {
  error: "is not a host; give a host or host:port",
});

const origin = z.string().regex(/^(\*|[a-z][a-z0-9+.-]*:\/\/[^\/\s@?#]+)$/i, {
  error: "is not an origin; give scheme://host or scheme://host:port",
});

const network = z.string().refine(isNetwork, {
  error: "is not a network; give an address or address/bits",
});

function isNetwork(text: string): boolean {
  const [address, bits = "0", ...more] = text.split("/");
  const bitsMax = isIP(address) === 6 ? 128 : 32;
  return isIP(address) !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) &&
    Number(bits) <= bitsMax;
}

const limits = z.strictObject({
  messageBytes: bytes(1024, D.limits.messageBytes, "largest message taken or sent"),
  jsonDepth: count(2, 1000, D.limits.jsonDepth, "deepest nesting of a message", "levels"),
  bufferBytes: bytes(
    1024,
    D.limits.bufferBytes,
    "outgoing bytes that may wait for one peer; one message always fits an empty buffer",
  ),
  bufferMessages: count(
    1,
    1_000_000,
    D.limits.bufferMessages,
    "outgoing messages that may wait for one peer",
    "messages",
  ),
  connections: count(
    0,
    10_000_000,
    D.limits.connections,
    "open connections of all listeners together; 0 stands for 45 % of the files the process may open",
    "connections",
  ),
  connectionsPerAddress: count(
    1,
    10_000_000,
    D.limits.connectionsPerAddress,
    "open connections of one address (IPv6: of one /64 network); loopback has no such limit",
    "connections",
  ),
  firstMessageMs: ms(
    D.limits.firstMessageMs,
    "a byte stream whose client is silent for so long before its first message is closed",
  ),
  sessions: count(1, 10_000_000, D.limits.sessions, "live sessions of the gateway", "sessions"),
  sessionIdleMs: ms(
    D.limits.sessionIdleMs,
    "a session without a message or an open stream for so long ends",
  ),
  callDeadlineMs: ms(D.limits.callDeadlineMs, "deadline of a call; progress extends it"),
  callDeadlineHardMs: ms(
    D.limits.callDeadlineHardMs,
    "deadline of a call that progress cannot extend",
  ),
  drainMs: ms(D.limits.drainMs, "hard end of a drain"),
});

const http = z.strictObject({
  allowedHosts: about(z.array(host).default([...D.http.allowedHosts]), {
    description: "Host headers answered besides those of the listener itself; * answers any",
    unit: "host or host:port",
  }),
  allowedOrigins: about(z.array(origin).default([...D.http.allowedOrigins]), {
    description: "Origin headers answered besides those of the listener itself; * answers any",
    unit: "scheme://host[:port]",
  }),
  tlsHandshakeMs: ms(D.http.tlsHandshakeMs, "time for a TLS handshake"),
  headersMs: ms(D.http.headersMs, "time for the headers of a request"),
  bodyMs: ms(D.http.bodyMs, "time for the body of a request"),
  keepAliveMs: ms(D.http.keepAliveMs, "an idle connection is closed after so long"),
  headerFieldsMax: count(
    8,
    10_000,
    D.http.headerFieldsMax,
    "header fields of one request",
    "fields",
  ),
  headerBytesMax: bytes(1024, D.http.headerBytesMax, "all headers of one request together"),
  bodyBudgetBytes: bytes(
    65_536,
    D.http.bodyBudgetBytes,
    "request bodies being read, together; more of them wait, at most 10 s",
  ),
  compression: about(z.enum(COMPRESSIONS).default(D.http.compression), {
    description:
      "answers of 1 KiB and more are compressed for clients that take it; auto is for all but clients on this machine",
  }),
  trustedProxies: about(z.array(network).default([...D.http.trustedProxies]), {
    description: "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    unit: "address or network",
  }),
  redirectToHttps: about(z.boolean().default(D.http.redirectToHttps), {
    description: "http listeners send every request to the first https listener (308)",
  }),
});

const log = z.strictObject({
  level: about(z.enum(LOG_LEVELS).default(D.log.level), {
    description: "least serious line that is written",
    flag: "--log-level LEVEL",
  }),
  format: about(z.enum(LOG_FORMATS).default(D.log.format), {
    description: "form of a line; auto is text on a terminal and json elsewhere",
    flag: "--log-format FORMAT",
  }),
});

const protocol = z.strictObject({
  era: about(z.enum(ERAS).default(D.protocol.era), {
    description:
      "era of the protocol that clients may speak: legacy with a handshake (to 2025-11-25), modern without (from 2026-07-28)",
    flag: "--era ERA",
  }),
});

const shm = z.strictObject({
  path: about(z.string().default(D.shm.path), {
    description: "file of the export; empty for none",
    unit: "path",
    flag: "--shm PATH",
  }),
  resources: about(z.array(text).default([...D.shm.resources]), {
    description: "which resources are exported; * stands for anything",
    unit: "pattern of URIs",
  }),
  bytes: count(65_536, 1_073_741_824, D.shm.bytes, "largest export", "bytes"),
});

/** Everything under `sluice`. */
export const settingsSchema = z.strictObject({
  listen: about(z.array(text).min(1).default([...D.listen]), {
    description: "where clients are served",
    unit: "URL",
    flag: "--listen URL",
  }),
  upstreams: about(z.record(z.string(), upstream).default({}), {
    description: "servers behind the gateway, by name",
    flag: "--upstream NAME=URL",
  }),
  breaker: about(breaker.prefault({}), { description: "when a server that fails is left alone" }),
  restarts: about(restarts.prefault({}), { description: "programs that end by themselves" }),
  healing: about(healing.prefault({}), { description: "servers that hang" }),
  degraded: about(degraded.prefault({}), { description: "serving less under strain" }),
  failover: about(failover.prefault({}), { description: "servers with several endpoints" }),
  aggregate: about(aggregate.prefault({}), {
    description: "several servers behind one endpoint",
  }),
  shm: about(shm.prefault({}), { description: "export to other processes by shared memory" }),
  protocol: about(protocol.prefault({}), { description: "the protocol towards clients" }),
  limits: about(limits.prefault({}), { description: "limits of the message path" }),
  http: about(http.prefault({}), { description: "HTTP listeners" }),
  log: about(log.prefault({}), { description: "the log on stderr" }),
  features: about(z.record(z.string(), z.boolean()).default({}), {
    description: "roll-back flags by feature name; false turns an optimisation off",
  }),
});

/** All settings, with every default filled in. */
export type Settings = z.output<typeof settingsSchema>;
/** One entry of `sluice.upstreams`. */
export type UpstreamSettings = z.output<typeof upstream>;
/** One entry of `endpoints`. */
export type EndpointSettings = z.output<typeof endpoint>;
/** Eras of the protocol that one side is spoken to in. */
export type Eras = typeof ERAS[number];
/** Whether one process or connection of an upstream serves one client or all of them. */
export type Sharing = typeof SHARINGS[number];
