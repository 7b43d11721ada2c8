/**
 * What operators may see and do, as far as one process knows and can.
 *
 * @module
 */
import type { LogLevels } from "./log_levels.ts";
import type { LeakReport } from "../telemetry/profiler_leaks.ts";
import type { Clients, LiveSession } from "./clients.ts";
import type { Features } from "./features.ts";

/** See the module. Made by whoever has wired the gateway. */
export interface GatewayView {
  readonly version: string;
  /** Seconds since the gateway started. */
  uptimeS(): number;
  /** Whether the gateway takes no new work because it is about to end. */
  draining(): boolean;
  /** Live sessions; those of single requests may be among them. */
  sessions(): Iterable<LiveSession>;
  /** Ends a session. */
  end(session: LiveSession): void;
  readonly clients: Clients;
  readonly features: Features;
  readonly logLevels: LogLevels;
  leaks(): LeakReport;
  /** Where profiles are written. */
  profileFolder(): string;
}
