/**
 * `sluice proxy`: MCP on stdin and stdout, for an agent host that spawns it.
 *
 * @module
 */
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import { type GatewayError, SluiceError } from "../lib/core/errors.ts";
import { assemble } from "./assemble.ts";
import { EXIT_DONE } from "./errors.ts";
import { type LoadConfig, startReloading } from "./reload.ts";
import { runUntilStopped } from "./process/stop.ts";

/** The log library takes a tenth of the start; it can wait until the client has its first answer. */
const LOG_IMPORT_DELAY_MS = 300;

/**
 * Speaks for one server until the client closes stdin or a signal comes.
 *
 * @param load reads the configuration anew
 * @throws {SluiceError} when the server is a program that cannot be started
 */
export async function proxy(config: GatewayConfig, load: LoadConfig): Promise<number> {
  const failed = Promise.withResolvers<never>();
  const [{ endpoint, endpoints }] = config.upstreams;
  const isProgram = endpoint.command !== undefined && endpoints.length === 1;
  await using assembly = await assemble(config, {
    logImportDelayMs: LOG_IMPORT_DELAY_MS,
    readsExport: true,
    // A program that does not start now will not later; a URL may answer the next call.
    onUnprepared: (error: GatewayError) => {
      if (isProgram) failed.reject(new SluiceError(error.message));
    },
  });
  await using _reloading = startReloading(assembly, load);
  await Promise.race([runUntilStopped(assembly), failed.promise]);
  return EXIT_DONE;
}
