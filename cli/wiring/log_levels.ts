/**
 * Levels of the log that operators change.
 *
 * @module
 */
import type { LogLevels } from "../../lib/admin/log_levels.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";

/** Until the configuration is read again. */
export function logLevels(log: RootLogger): LogLevels {
  return {
    list: () => log.levels(),
    set: (component, level) => log.setLevel(component, level),
  };
}
