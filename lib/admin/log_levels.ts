/**
 * Levels of the log that operators change while the gateway runs.
 *
 * @module
 */
import type { LogThreshold } from "../telemetry/logger.ts";

/** See the module. */
export interface LogLevels {
  /** By component; `*` is everything else. */
  list(): Readonly<Record<string, LogThreshold>>;
  /**
   * @param component `*` for everything
   * @throws {SluiceError} it has no level of its own
   */
  set(component: string, level: LogThreshold): void;
}
