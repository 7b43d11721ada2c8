import assert from "node:assert/strict";
import { Registry } from "../../../lib/telemetry/metrics.ts";
import { registerProcessMetrics } from "../../../lib/telemetry/process_metrics.ts";

function values(registry: Registry): Map<string, number> {
  const found = new Map<string, number>();
  for (const metric of registry.collect()) {
    if (metric.kind === "histogram") continue;
    for (const child of metric.children()) found.set(metric.name, child.value);
  }
  return found;
}

Deno.test("registerProcessMetrics() reads the process anew for every exposition", async () => {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const before = values(registry);
  const directory = await Deno.makeTempDir();
  const files = await Promise.all(
    Array.from(
      { length: 200 },
      (_, i) => Deno.open(`${directory}/${i}`, { create: true, write: true }),
    ),
  );
  const after = values(registry);
  for (const file of files) file.close();
  await Deno.remove(directory, { recursive: true });

  assert(before.get("process_resident_memory_bytes")! > 1024 * 1024);
  assert(before.get("process_cpu_seconds_total")! > 0);
  assert(after.get("process_cpu_seconds_total")! >= before.get("process_cpu_seconds_total")!);
  assert(before.get("process_start_time_seconds")! <= Date.now() / 1000);
  assert(before.get("process_start_time_seconds")! > 1.5e9);
  assert.equal(before.get("sluice_metric_collect_failures_total"), undefined);
  if (Deno.build.os === "windows") return;
  // tests of other files run in this process at the same time, so the number is not exact
  assert(after.get("process_open_fds")! > before.get("process_open_fds")! + 100);
});
