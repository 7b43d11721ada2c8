/**
 * The process as its operating system sees it, under the names all Prometheus clients use.
 * Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 *
 * @module
 */
import process from "node:process";
import type { Registry } from "./metrics.ts";

/** Declares the `process_*` series. They are read anew for every exposition: about 10 us together on Linux. */
export function registerProcessMetrics(registry: Registry): void {
  registry.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    collect: (gauge) => gauge.with({}).set(Deno.memoryUsage().rss),
  });
  registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
    collect: (counter) => counter.with({}).raiseTo(cpuSeconds()),
  });
  registry.gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since unix epoch in seconds.",
  }).with({}).set(performance.timeOrigin / 1000);
  if (Deno.build.os === "windows") return;
  registry.gauge({
    name: "process_open_fds",
    help: "Number of open file descriptors.",
    collect: (gauge) => gauge.with({}).set(openDescriptors()),
  });
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Linux 6.2 and later tell the number of descriptors as the size of the directory; elsewhere it is
 * counted, which takes milliseconds with thousands of connections.
 */
function openDescriptors(): number {
  const directory = Deno.build.os === "linux" ? "/proc/self/fd" : "/dev/fd";
  if (Deno.build.os === "linux") {
    const { size } = Deno.statSync(directory);
    if (size > 0) return size;
  }
  let entries = 0;
  for (const _ of Deno.readDirSync(directory)) entries++;
  return entries - 1; // the one that reads the directory
}
