/**
 * What a run needs to know, fully resolved: nothing in it has to be looked up, expanded or defaulted.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import type { Eras, Settings, Sharing } from "./schema.ts";

/** One server behind the gateway. */
export interface UpstreamConfig {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** `perSession`: one process or connection for each session; `shared`: one for all clients. */
  readonly sharing: Sharing;
  /** Era of the protocol it is spoken to in. */
  readonly era: Eras;
}

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

/** The log on stderr. */
export type LogConfig = Readonly<Settings["log"]>;

/** A frozen configuration. */
export interface GatewayConfig {
  readonly listen: readonly Endpoint[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly protocol: Readonly<Settings["protocol"]>;
  readonly limits: LimitsConfig;
  readonly http: HttpConfig;
  readonly log: LogConfig;
  /** Roll-back flags by feature name. */
  readonly features: Readonly<Record<string, boolean>>;
  /** The configuration file as the user named it. */
  readonly file: string | undefined;
  /** What the operator should know; log at `warn`. */
  readonly warnings: readonly string[];
  /** What was ignored on purpose; log at `debug`. */
  readonly notes: readonly string[];
}
