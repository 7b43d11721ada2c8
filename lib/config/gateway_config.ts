/**
 * What a run needs to know, fully resolved: nothing in it has to be looked up, expanded or defaulted.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import type { Start } from "./aggregation_schema.ts";
import type { UpstreamAuth } from "./oauth_schema.ts";
import type { PoolSettings } from "./pool_schema.ts";
import type { TracingConfig } from "./resolve_tracing.ts";
import type { Eras, Settings, Sharing, UpstreamSettings } from "./schema.ts";

/** One server behind the gateway. */
export interface UpstreamConfig {
  readonly name: string;
  /** Where it answers; of several ways the first. */
  readonly endpoint: Endpoint;
  /** Every way to it, in the order of the list; at least one. */
  readonly endpoints: readonly EndpointConfig[];
  /** Whether the endpoints are servers of their own, whose majority is believed. */
  readonly quorum: boolean;
  /** When it is left alone. */
  readonly breaker: BreakerConfig;
  /** How many calls it is given at once; `undefined` for any number. */
  readonly calls: CallsConfig | undefined;
  /** Calls without effects are sent a second time after so long, ms; `undefined` for never. */
  readonly hedgeMs: number | undefined;
  /** `perSession`: one process or connection for each session; `shared`: one for all clients. */
  readonly sharing: Sharing;
  /** Era of the protocol it is spoken to in. */
  readonly era: Eras;
  /** How the gateway proves itself to it, where its headers are not enough. */
  readonly auth: UpstreamAuth | undefined;
  /** Where it is a pool; then `sharing` means nothing. */
  readonly pool: PoolConfig | undefined;
  /** Before `__` in the names of its tools and prompts, where several servers are configured. */
  readonly prefix: string;
  /** Which of its tools exist for clients; patterns with `*` and `?`. */
  readonly tools: ToolsConfig;
  /** When it is reached first, among several. */
  readonly start: Start;
  /** Connections unused for so long are closed, ms, among several; 0 for never. */
  readonly idleStopMs: number;
}

/** Which tools of a server exist for clients: those allowed, without those denied. */
export interface ToolsConfig {
  /** All, where it is left out. */
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** Several processes or connections to one server. */
export interface PoolConfig extends Readonly<Omit<PoolSettings, "callsPerMember">> {
  /** Calls that a member is given at once; `Infinity` for no limit. */
  readonly callsPerMember: number;
}

/** One of several ways to a server. */
export interface EndpointConfig {
  readonly endpoint: Endpoint;
  /** 1 to 10, 10 is most wanted; `undefined` where nothing is said. */
  readonly priority: number | undefined;
}

/** When a server that fails is left alone. */
export type BreakerConfig = Readonly<Settings["breaker"]>;

/** How servers with several endpoints move between them. */
export type FailoverConfig = Readonly<Settings["failover"]>;

/** When only what matters most is served. */
export type DegradedConfig = Readonly<Settings["degraded"]>;

/** How many calls one server is given. */
export type CallsConfig = Readonly<NonNullable<UpstreamSettings["calls"]>>;

/** Deadlines and limits of the message path; units are in the names. */
export type LimitsConfig = Readonly<Settings["limits"]>;

/** Deadlines and limits of HTTP listeners; units are in the names. */
export interface HttpConfig
  extends Readonly<Omit<Settings["http"], "allowedHosts" | "allowedOrigins">> {
  /** `Host` values answered besides the listener's own, lower case, with or without port. */
  readonly allowedHosts: readonly string[];
  /** `Origin` values answered besides the listener's own, as browsers write them. */
  readonly allowedOrigins: readonly string[];
}

/** The log. */
export type LogConfig = Readonly<Settings["log"]>;

/** A frozen configuration. */
export interface GatewayConfig {
  readonly listen: readonly Endpoint[];
  /** Processes of `serve`. */
  readonly workers: number;
  readonly upstreams: readonly UpstreamConfig[];
  /** How often programs that end by themselves are started again. */
  readonly restarts: Readonly<Settings["restarts"]>;
  /** How servers that hang are found and brought back. */
  readonly healing: Readonly<Settings["healing"]>;
  /** When only what matters most is served. */
  readonly degraded: DegradedConfig;
  readonly failover: FailoverConfig;
  /** Several servers behind one endpoint. */
  readonly aggregate: Readonly<Settings["aggregate"]>;
  /** Answers that are kept. */
  readonly cache: Readonly<Settings["cache"]>;
  /** Export by shared memory. */
  readonly shm: Readonly<Settings["shm"]>;
  readonly protocol: Readonly<Settings["protocol"]>;
  readonly limits: LimitsConfig;
  readonly http: HttpConfig;
  /** Who clients are. */
  readonly auth: Readonly<Settings["auth"]>;
  /** What each client may do. */
  readonly access: Readonly<Settings["access"]>;
  /** How many calls clients may make. */
  readonly rate: Readonly<Settings["rate"]>;
  /** Clients that are not served. */
  readonly deny: Readonly<Settings["deny"]>;
  /** Clients that keep failing. */
  readonly suspicion: Readonly<Settings["suspicion"]>;
  /** Texts that calls are searched for. */
  readonly threats: Readonly<Settings["threats"]>;
  readonly validation: Readonly<Settings["validation"]>;
  /** The log of security events. */
  readonly audit: Readonly<Settings["audit"]>;
  /** When too much is used. */
  readonly capacity: Readonly<Settings["capacity"]>;
  /** When a signal is strange. */
  readonly anomalies: Readonly<Settings["anomalies"]>;
  /** What the service should be. */
  readonly objectives: Readonly<Settings["objectives"]>;
  readonly log: LogConfig;
  /** Traces and metrics for a collector. */
  readonly tracing: TracingConfig;
  /** What operators ask a running gateway. */
  readonly admin: Readonly<Settings["admin"]>;
  /** Optimisations by name: off, on, or percent of the clients that have them. */
  readonly features: Readonly<Record<string, boolean | number>>;
  /** The configuration file as the user named it. */
  readonly file: string | undefined;
  /** What the operator should know; log at `warn`. */
  readonly warnings: readonly string[];
  /** What was ignored on purpose; log at `debug`. */
  readonly notes: readonly string[];
}
