/**
 * `sluice serve` as one of several workers: told by its supervisor which one, it serves like any other
 * gateway.
 *
 * @module
 */
import { UsageError } from "../../lib/core/errors.ts";
import { becomeWorker } from "../../lib/core/worker_tag.ts";
import { assemble } from "../assemble.ts";
import { EXIT_DONE } from "../errors.ts";
import { runUntilStopped } from "../process/stop.ts";
import { type LoadConfig, startReloading } from "../reload.ts";
import { type FirstOrder, lineOf, linesOf, type ReadyEvent } from "./orders.ts";
import { withPorts } from "./ports.ts";

/**
 * Serves until it is told to stop, or its supervisor has gone.
 *
 * @throws {UsageError} when no supervisor has started it
 */
export async function serveAsWorker(load: LoadConfig): Promise<number> {
  const lines = linesOf(Deno.stdin.readable);
  const { place, restarts, ports } = firstOrder((await lines.next()).value);
  becomeWorker(place.number);
  const exports = exportOrder(lines, place.folder);
  const loadWithPorts: LoadConfig = async () => withPorts(await load(), ports);
  const config = await loadWithPorts();
  await using assembly = await assemble(config, { seat: { place, restarts, exports } });
  await using _reloading = startReloading(assembly, loadWithPorts); // from now on SIGHUP ends nothing
  const ready: ReadyEvent = { urls: assembly.urls.map(({ href }) => href) };
  const bytes = lineOf(ready);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  await runUntilStopped(assembly);
  return EXIT_DONE;
}

function firstOrder(line: string | undefined): FirstOrder {
  try {
    return JSON.parse(line ?? "");
  } catch {
    throw new UsageError("Cannot run as a worker: nobody says which one", "say --workers instead");
  }
}

/** Resolves with the order to export. The end of the lines is that of the supervisor: it was killed. */
function exportOrder(lines: AsyncGenerator<string>, folder: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  void (async () => {
    for await (const _ of lines) resolve();
    removeFolder(folder); // at once: the watchdog is about to end us
    Deno.kill(Deno.pid, "SIGTERM");
  })();
  return promise;
}

function removeFolder(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // another worker was faster
  }
}
