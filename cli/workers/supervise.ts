/**
 * `sluice serve --workers N`: several processes on the same ports, and this one that looks after them.
 *
 * @module
 */
import { join } from "node:path";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { UsageError } from "../../lib/core/errors.ts";
import { aborted } from "../../lib/core/waiting.ts";
import { OrphanWatchdog } from "../../transports/process/orphan_watchdog.ts";
import { EXIT_DONE, EXIT_FAILED } from "../errors.ts";
import { onHangUp } from "../process/hang_up.ts";
import { stopSignals } from "../process/signals.ts";
import { createLog } from "../wiring/logging.ts";
import { bannerOf, printBanner } from "../serve.ts";
import { type ReservedPorts, reservePorts } from "./ports.ts";
import { Supervisor } from "./supervisor.ts";

/** What a worker may take beyond its drain before it is killed, ms. */
const GRACE_MS = 10_000;
/** The system takes no longer path for a socket, bytes; the least of all systems. */
const SOCKET_PATH_BYTES_MAX = 103;
const SECRET_BYTES = 32;

/**
 * Serves with several workers until it is told to stop; prints where, once.
 *
 * @param argv the command line, from `serve` on
 * @returns exit code; that of the first worker when the configuration cannot be served
 * @throws {UsageError} ports cannot be shared here, or not with this configuration
 */
export async function supervise(config: GatewayConfig, argv: readonly string[]): Promise<number> {
  using reserved = await reservePorts(config.listen);
  await using log = await createLog(config);
  await using folder = await privateFolder();
  const warn = (text: string) => log.warn(text);
  await using watchdog = new OrphanWatchdog(`sluice-workers-${crypto.randomUUID()}`, warn);
  const supervisor = new Supervisor({
    argv,
    common: { count: config.workers, folder: folder.path, secret: newSecret() },
    ports: reserved.ports,
    exports: config.shm.path !== "",
    log: log.child("workers"),
    watchdog,
  });
  using _hangUps = onHangUp(config, () => {
    void log.reopen();
    supervisor.reload();
  });
  return await run(config, supervisor, reserved);
}

async function run(
  config: GatewayConfig,
  supervisor: Supervisor,
  reserved: ReservedPorts,
): Promise<number> {
  using signals = stopSignals();
  const stopping = aborted(signals.drain).then(() =>
    supervisor.stop(signals.exit, config.limits.drainMs + GRACE_MS)
  );
  const first = await supervisor.startFirst();
  if (signals.drain.aborted) {
    await stopping;
    return EXIT_DONE;
  }
  if (typeof first === "number") return first || EXIT_FAILED;
  await supervisor.startOthers();
  reserved[Symbol.dispose]();
  if (!signals.drain.aborted) {
    const urls = first.urls.map((url) => new URL(url));
    printBanner([...bannerOf(config, urls), `  workers  ${config.workers}`], urls);
  }
  const hasFailed = await Promise.race([
    stopping.then(() => false),
    supervisor.failed.then(() => true),
  ]);
  return hasFailed ? EXIT_FAILED : EXIT_DONE;
}

/** A folder that only the user of the process may enter. */
async function privateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "sluice-" });
  const remove = () => Deno.remove(path, { recursive: true });
  if (join(path, "99.sock").length > SOCKET_PATH_BYTES_MAX) {
    await remove();
    throw new UsageError(
      "Cannot run several workers: the path of the temporary folder is too long for sockets",
      "set TMPDIR to a shorter one",
    );
  }
  return { path, [Symbol.asyncDispose]: remove };
}

function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toHex();
}
