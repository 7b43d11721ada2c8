/**
 * The shared-memory export of a gateway, and what keeps it current.
 *
 * @module
 */
import type { Handler } from "../../lib/core/handler.ts";
import type { Base } from "./base.ts";
import { VERSION } from "../version.ts";

/** How often its figures are taken over into the metrics, ms. */
const FIGURES_MS = 1000;

/** Begins to export what stands behind a handler, if the configuration says so; ends with the gateway. */
export async function startExport(base: Base, handler: Handler): Promise<void> {
  const { path, resources, bytes } = base.config.shm;
  if (path === "") return;
  const { Exporter } = await import("../../lib/shm/exporter.ts");
  const { ExportFeed } = await import("../../lib/cache/export_feed.ts");
  const log = base.log.child("shm");
  const exporter = new Exporter({
    path,
    bytesMax: bytes,
    onOff: (error) => log.warn("export is off", { path, reason: error.message }),
  });
  const instance = crypto.randomUUID();
  const feed = new ExportFeed({
    handler,
    instance,
    isForAll: isForAll(base),
    target: exporter,
    version: VERSION,
    resources,
    onProblem: (reason) => log.warn("export could not be read", { reason }),
  });
  const changed = (kinds: readonly string[]) => feed.changed(kinds);
  base.answerWatchers?.add(changed);
  base.exportInstance = instance;
  const { shmEntries, shmBytes, shmFragmentation, shmAge, shmPublished } = base.metrics;
  const timer = setInterval(() => {
    const figures = exporter.figures();
    shmEntries.set(figures.on ? figures.entries : 0);
    shmBytes.set(figures.bytes);
    shmFragmentation.set(figures.fragmentation);
    shmPublished.raiseTo(figures.publishedCount);
    if (figures.ageMs !== undefined) shmAge.with({}).set(figures.ageMs / 1000);
  }, FIGURES_MS);
  base.owned.push({
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      shmAge.clear();
      base.answerWatchers?.delete(changed);
      base.exportInstance = undefined;
      await feed[Symbol.asyncDispose]();
      exporter[Symbol.dispose]();
    },
  });
}

/** Whether every client gets the same lists and resources: servers that all share, and nobody who is more than others. */
function isForAll({ config: { upstreams, auth, access } }: Base): boolean {
  const isShared = upstreams.every(({ sharing, pool }) =>
    sharing === "shared" || pool !== undefined
  );
  const { clients, issuers, introspection, certificates } = auth;
  const rules = [clients, issuers, introspection, certificates, access.rules];
  return isShared && rules.every((rule) => Object.keys(rule).length === 0);
}
