/**
 * The shared-memory export: what publishing and reading cost. `deno run -A bench/shm_bench.ts`, best pinned to one core; prints
 * the median over 5 runs and the range. As a file of `deno bench bench/` it does the same.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { encodeEntry, type ExportEntry } from "../lib/shm/entry.ts";
import { Exporter } from "../lib/shm/exporter.ts";
import type { ExportReader } from "../lib/shm/following_reader.ts";
import { openMmapReader } from "../lib/shm/mmap_reader.ts";
import { openPreadReader } from "../lib/shm/pread_reader.ts";
import { Publisher } from "../lib/shm/publisher.ts";
import { buildSnapshot } from "../lib/shm/snapshot.ts";

const RUNS = 5;
/** Each is one call; a call of the clock, some 100 ns, is in every figure. */
const SAMPLES = 200_000;
const TOOLS = 353;
const TOOL_LIST_BYTES = 263_000;

/** Figures of one run, by name. */
type Figures = Record<string, number>;

/** A tool list of the size and shape of claude-flow's: 353 tools of some 745 bytes. */
function tools(): ExportEntry[] {
  const bytes = Math.floor(TOOL_LIST_BYTES / TOOLS);
  return Array.from({ length: TOOLS }, (_, index): ExportEntry => {
    const name = `mcp__claude-flow__tool_${index}`;
    const inputSchema = { type: "object", properties: { text: { type: "string" } } };
    const empty = JSON.stringify({ name, description: "", inputSchema });
    const description = "d".repeat(bytes - empty.length);
    const data = JSON.stringify({ name, description, inputSchema });
    return { type: "tool", key: name, data, metadata: { updatedMs: 1_800_000_000_000 } };
  });
}

const KEY = "file:///notes/of-two-kilobytes.md";

function entries(): ExportEntry[] {
  const metadata = { mimeType: "text/markdown", updatedMs: 1_800_000_000_000 };
  return [...tools(), { type: "resource", key: KEY, data: "r".repeat(2048), metadata }];
}

function measurePublishing(path: string, figures: Figures): void {
  const list = tools();
  using publisher = new Publisher(path);
  const encodings: number[] = [];
  const builds: number[] = [];
  const publishes: number[] = [];
  for (let count = 0; count < 200; count++) {
    const startMs = performance.now();
    const encoded = list.map((entry) => encodeEntry(entry));
    const encodedMs = performance.now();
    buildSnapshot(encoded, { sequence: 1, generation: 1, publishedMs: 1, pid: 1 });
    const builtMs = performance.now();
    publisher.publish(encoded); // builds once more
    publishes.push(performance.now() - builtMs);
    builds.push(builtMs - encodedMs);
    encodings.push(encodedMs - startMs);
  }
  figures["encode 353 tools, ms"] = percentile(encodings, 0.5);
  figures["build, ms"] = percentile(builds, 0.5);
  figures["build + publish, p50 ms"] = percentile(publishes, 0.5);
  figures["build + publish, p99 ms"] = percentile(publishes, 0.99);
}

/** As the gateway does it: a list is read anew and has changed. */
function measureExporter(path: string, figures: Figures): void {
  const onOff = (error: Error) => {
    throw error;
  };
  using exporter = new Exporter({ path, onOff });
  const list = tools();
  const times: number[] = [];
  for (let count = 0; count < 100; count++) {
    const changed = list.map((entry) => ({ ...entry, metadata: { count } }));
    const startMs = performance.now();
    exporter.replace("tool", changed);
    exporter.flush();
    times.push(performance.now() - startMs);
  }
  figures["exporter: new list to published, p50 ms"] = percentile(times, 0.5);
}

function measureReader(name: string, reader: ExportReader, figures: Figures): void {
  const get = () => reader.get("resource", KEY);
  const metadata = () => reader.metadata("resource", KEY);
  if (get()?.data.length !== 2048) {
    throw new Error(`Cannot bench ${name}: ${reader.info().problem}`);
  }
  record(`${name}: lookup + copy of 2 KB`, get, figures);
  record(`${name}: metadata`, metadata, figures);
}

function record(name: string, act: () => unknown, figures: Figures): void {
  const samples = new Float64Array(SAMPLES);
  for (let warm = 0; warm < 20_000; warm++) act();
  for (let sample = 0; sample < SAMPLES; sample++) {
    const startMs = performance.now();
    act();
    samples[sample] = (performance.now() - startMs) * 1000;
  }
  figures[`${name}, p50 us`] = percentile(samples, 0.5);
  figures[`${name}, p99 us`] = percentile(samples, 0.99);
}

/** The same loop in Node. */
async function measureNode(path: string, figures: Figures): Promise<void> {
  const reader = new URL("../lib/shm/node_reader.mjs", import.meta.url);
  const program = `
    import { openExport } from ${JSON.stringify(fileURLToPath(reader))};
    const record = ${record}; const percentile = ${percentile}; const SAMPLES = ${SAMPLES};
    const shared = openExport(${JSON.stringify(path)}); const figures = {};
    record("Node reader: lookup + copy of 2 KB", () => shared.get("resource", ${
    JSON.stringify(KEY)
  }), figures);
    console.log(JSON.stringify(figures));`;
  const args = ["--input-type=module", "-e", program];
  try {
    const { stdout } = await new Deno.Command("node", { args, stderr: "inherit" }).output();
    Object.assign(figures, JSON.parse(new TextDecoder().decode(stdout)));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function percentile(samples: ArrayLike<number>, share: number): number {
  const sorted = Array.from(samples).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
}

async function run(): Promise<Figures> {
  const folder = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "sluice-bench" });
  const figures: Figures = {};
  try {
    measurePublishing(`${folder}/tools.bin`, figures);
    measureExporter(`${folder}/exporter.bin`, figures);
    const path = `${folder}/export.bin`;
    using publisher = new Publisher(path);
    publisher.publish(entries().map((entry) => encodeEntry(entry)));
    using mapped = openMmapReader(path);
    measureReader("mmap reader", mapped, figures);
    using copied = openPreadReader(path);
    measureReader("pread reader", copied, figures);
    await measureNode(path, figures);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return figures;
}

const runs: Figures[] = [];
for (let count = 0; count < RUNS; count++) runs.push(await run());
console.log(`shared memory, median of ${RUNS} runs (lowest - highest)`);
for (const name of Object.keys(runs[0])) {
  const values = runs.map((figures) => figures[name]).sort((a, b) => a - b);
  const [low, middle, high] = [values[0], values[RUNS >> 1], values[RUNS - 1]].map((v) =>
    v.toFixed(3)
  );
  console.log(`  ${name.padEnd(48)} ${middle.padStart(9)}  (${low} - ${high})`);
}
