/**
 * The process as its operating system sees it, under the names all Prometheus clients use.
 * Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 *
 * @module
 */
import process from "node:process";
import v8 from "node:v8";
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
    acrossWorkers: "max",
  }).with({}).set(performance.timeOrigin / 1000);
  registerHeapMetrics(registry);
  if (Deno.build.os === "windows") return;
  registry.gauge({
    name: "process_open_fds",
    help: "Number of open file descriptors.",
    collect: (gauge) => gauge.with({}).set(openDescriptors()),
  });
  if (Deno.build.os !== "linux") return;
  registry.gauge({
    name: "process_max_fds",
    help: "Maximum number of open file descriptors.",
    collect(gauge) {
      const max = descriptorsMax();
      if (max !== undefined) gauge.with({}).set(max);
    },
  });
}

/**
 * Pauses of the garbage collector cannot be told: Deno 2.9 takes a `PerformanceObserver` for `gc` and never calls
 * it. What is allocated is the cause of them, and `sluice_event_loop_delay_seconds` is what comes of them.
 */
function registerHeapMetrics(registry: Registry): void {
  registry.gauge({
    name: "sluice_heap_bytes",
    help: "JavaScript heap: used, total (taken from the system), external (buffers), limit.",
    labels: ["kind"],
    collect(gauge) {
      const { heapUsed, heapTotal, external } = Deno.memoryUsage();
      gauge.with({ kind: "used" }).set(heapUsed);
      gauge.with({ kind: "total" }).set(heapTotal);
      gauge.with({ kind: "external" }).set(external);
      gauge.with({ kind: "limit" }).set(v8.getHeapStatistics().heap_size_limit);
    },
  });
  registry.counter({
    name: "sluice_heap_allocated_bytes_total",
    help: "Bytes that were allocated on the JavaScript heap: what the garbage collector has to do.",
    collect(counter) {
      const figures: unknown = v8.getHeapStatistics();
      const { total_allocated_bytes: bytes } = figures as { total_allocated_bytes?: number };
      if (bytes !== undefined) counter.with({}).raiseTo(bytes); // Deno before 2.9 does not tell
    },
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

/** The soft limit; `undefined` where there is none. */
function descriptorsMax(): number | undefined {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === "unlimited" ? undefined : Number(soft);
}
