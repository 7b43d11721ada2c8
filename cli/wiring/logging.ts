/**
 * The log of a process: on standard error, or in a file.
 *
 * @module
 */
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { reasonOf, SluiceError } from "../../lib/core/errors.ts";
import type { DropCounter } from "../../lib/telemetry/log_destination.ts";
import { LogFile } from "../../lib/telemetry/log_file.ts";
import { createLogger, type RootLogger } from "../../lib/telemetry/logger.ts";

/** What a command decides about its log. */
export interface LogOptions {
  /** Counts lines that were not written. */
  readonly dropped?: DropCounter;
  /** Holds lines below `error` back for so long before the log library is imported, ms. */
  readonly importDelayMs?: number;
}

/**
 * Makes the log that a configuration names.
 *
 * @throws {SluiceError} when its file cannot be opened, or is a symbolic link
 */
export async function createLog(
  { log }: Pick<GatewayConfig, "log">,
  options: LogOptions = {},
): Promise<RootLogger> {
  const { level, levels, format, path } = log;
  const common = { ...options, threshold: level, levels };
  if (path === "") {
    return createLogger({ ...common, format: format === "auto" ? undefined : format });
  }
  const sink = await LogFile.open(path).catch((error) => {
    throw new SluiceError(`Cannot open log ${path}: ${reasonOf(error)}`, { cause: error });
  });
  return createLogger({
    ...common,
    sink,
    format: format === "text" ? "text" : "json",
    onLost: (reason) => tellOnStderr(`log ${path} cannot be written: ${reason}`),
  });
}

/** The one line about a log that cannot tell of itself. Nobody waits for it. */
function tellOnStderr(text: string): void {
  Deno.stderr.write(new TextEncoder().encode(`sluice: ${text}\n`)).catch(() => {});
}
