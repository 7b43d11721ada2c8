/**
 * The zod schema of everything under the key `sluice`: single source of the file, the environment,
 * the flags, the help text, docs/configuration.md and docs/sluice.schema.json.
 *
 * @module
 */
import { z } from "zod";
import { WORKERS_MAX } from "../core/worker_tag.ts";
import { admin, features } from "./admin_schema.ts";
import { aggregate } from "./aggregation_schema.ts";
import { cache } from "./cache_schema.ts";
import { ERAS, type SHARINGS } from "./choices.ts";
import { DEFAULTS } from "./defaults.ts";
import { http } from "./http_schema.ts";
import { limits } from "./limits_schema.ts";
import { access, auth } from "./auth_schema.ts";
import { audit, deny, rate, suspicion, threats } from "./protection_schema.ts";
import { breaker, degraded, failover, healing, restarts } from "./resilience_schema.ts";
import { about, count, type SettingMeta, text } from "./schema_parts.ts";
import { log, tracing } from "./telemetry_schema.ts";
import { type endpoint, upstream } from "./upstream_schema.ts";
import { validation } from "./validation_schema.ts";
import { anomalies, capacity, objectives } from "./watch_schema.ts";

export type { SettingMeta };

const D = DEFAULTS;

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
  workers: about(z.int().min(1).max(WORKERS_MAX).default(D.workers), {
    description: "processes of serve that share the ports; docs/deployment.md tells of them",
    unit: "processes",
    flag: "--workers N",
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
  cache: about(cache.prefault({}), { description: "answers that are kept" }),
  shm: about(shm.prefault({}), { description: "export to other processes by shared memory" }),
  protocol: about(protocol.prefault({}), { description: "the protocol towards clients" }),
  limits: about(limits.prefault({}), { description: "limits of the message path" }),
  http: about(http.prefault({}), { description: "HTTP listeners" }),
  auth: about(auth.prefault({}), { description: "who clients are" }),
  access: about(access.prefault({}), { description: "what each client may do" }),
  rate: about(rate.prefault({}), { description: "how many calls clients may make" }),
  deny: about(deny.prefault({}), { description: "clients that are not served" }),
  suspicion: about(suspicion.prefault({}), { description: "clients that keep failing" }),
  validation: about(validation.prefault({}), {
    description: "what is checked before a server sees it",
  }),
  threats: about(threats.prefault({}), { description: "texts that calls are searched for" }),
  audit: about(audit.prefault({}), { description: "the log of security events" }),
  capacity: about(capacity.prefault({}), { description: "when too much is used" }),
  anomalies: about(anomalies.prefault({}), { description: "when a signal is strange" }),
  objectives: about(objectives.prefault({}), { description: "what the service should be" }),
  log: about(log.prefault({}), { description: "the log" }),
  tracing: about(tracing.prefault({}), { description: "traces and metrics for a collector" }),
  admin: about(admin.prefault({}), { description: "what operators ask a running gateway" }),
  features: about(features, {
    description:
      "optimisations by name: false turns one off, a number is the share of clients that have it; docs/admin.md tells of them",
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
