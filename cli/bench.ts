/**
 * `sluice bench`: makes load on a server and tells how it did.
 *
 * @module
 */
import type { Endpoint } from "../lib/core/connection.ts";
import type { Era } from "../lib/core/eras.ts";
import { TransportError, UsageError } from "../lib/core/errors.ts";
import { compare, type Comparison, parseResult } from "../lib/bench/compare.ts";
import { probedEra } from "../lib/bench/era_probe.ts";
import type { Figures, TimePoint } from "../lib/bench/figures.ts";
import { type Generator, measure } from "../lib/bench/measure.ts";
import { page } from "../lib/bench/page.ts";
import type { Plan } from "../lib/bench/plan.ts";
import { type BenchResult, isFailed, SCHEMA_VERSION, summaryOf } from "../lib/bench/result.ts";
import { runPlan } from "../lib/bench/run_plan.ts";
import { listenerPids } from "../lib/bench/server_process.ts";
import { isLoopback, redactUrl } from "../lib/config/endpoints.ts";
import { benchDialer } from "./bench/dial.ts";
import { type BenchFlags, type BenchSettings, benchSettings } from "./bench/settings.ts";
import { comparisonText, progressText, resultText } from "./bench/table.ts";
import { processGenerator, runWorker } from "./bench/worker.ts";
import type { Output } from "./command_line/terms.ts";
import { EXIT_DONE, EXIT_FAILED, oneLine } from "./errors.ts";
import { stopSignals } from "./process/signals.ts";
import { VERSION } from "./version.ts";

/** Without a terminal a long run tells where it is each so many seconds. */
const PLAIN_EACH_S = 10;
const SHORT_RUN_S = 30;

/**
 * Runs a bench.
 *
 * @param stop ends it early; SIGINT and SIGTERM by default
 * @returns exit code: 1 when answers went astray, none came, or a figure is worse than before
 * @throws {UsageError} when the flags are wrong
 * @throws {TransportError} when the server cannot be reached
 */
export async function bench(
  url: string | undefined,
  command: readonly string[] | undefined,
  flags: BenchFlags,
  output: Output,
  stop?: AbortSignal,
): Promise<number> {
  const settings = benchSettings(url, command, flags);
  const before = settings.compare === undefined
    ? undefined
    : parseResult(await readText(settings.compare), settings.compare);
  using signals = stop === undefined ? stopSignals() : undefined;
  const result = await measureAll(settings, output, stop ?? signals!.drain);
  output.stdout(resultText(result));
  const comparisons = before && compare(before, result, settings.threshold);
  if (comparisons !== undefined) output.stdout(comparisonText(settings.compare!, comparisons));
  await writeFiles(settings, result, comparisons);
  return verdict(result, comparisons, settings.threshold, output);
}

/** The side of a generator that runs in a process of its own. */
export function benchWorker(): Promise<number> {
  return runWorker(benchDialer);
}

async function measureAll(
  settings: BenchSettings,
  output: Output,
  signal: AbortSignal,
): Promise<BenchResult> {
  const { target, direct, repeat, plan } = settings;
  const startedAt = new Date().toISOString();
  const era = await eraFor(settings, target, signal);
  const directEra = direct && await eraFor(settings, direct, signal);
  const runs: Figures[] = [], directRuns: Figures[] = [];
  const one = (endpoint: Endpoint, as: Era, label: string) =>
    measureOnce(settings, endpoint, { ...plan, era: as }, progressTo(output, label, plan), signal);
  for (let round = 1; round <= repeat && !signal.aborted; round++) {
    const name = repeat > 1 ? ` ${round}/${repeat}` : "";
    const without = direct && await one(direct, directEra!, `direct${name} `);
    if (direct !== undefined && signal.aborted) break; // a pair, or nothing
    const figures = await one(
      target,
      era,
      direct === undefined ? `${name} `.trimStart() : `through${name} `,
    );
    if (signal.aborted && figures.answered === 0) break;
    runs.push(figures);
    if (without !== undefined) directRuns.push(without);
  }
  if (runs.length === 0) {
    throw new TransportError("Cannot bench: it was stopped before it measured");
  }
  const measuredDirect = direct === undefined ? undefined : directRuns;
  const { ratePerSecond } = plan;
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: `sluice bench ${VERSION}`,
    startedAt,
    machine: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      cores: navigator.hardwareConcurrency,
      runtime: `Deno ${Deno.version.deno}`,
    },
    setup: {
      target: nameOf(target),
      ...direct === undefined ? {} : { direct: nameOf(direct), directEra },
      ...{ scenario: plan.scenario, era, connections: plan.connections, inflight: plan.inflight },
      ...ratePerSecond === undefined ? {} : { ratePerSecond },
      ...{ durationMs: plan.durationMs, warmUpMs: plan.warmUpMs },
      ...{ workers: settings.workers, repeat: runs.length },
    },
    runs,
    ...measuredDirect === undefined ? {} : { directRuns: measuredDirect },
    summary: summaryOf(runs, measuredDirect),
  };
}

async function eraFor(
  { plan, isEraOpen }: BenchSettings,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Era> {
  if (!isEraOpen) return plan.era;
  await using way = await benchDialer(endpoint, plan.scenario);
  return await probedEra(plan, way.dial, signal);
}

async function measureOnce(
  { workers }: BenchSettings,
  endpoint: Endpoint,
  plan: Plan,
  onSecond: (point: TimePoint) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const measurement = {
    plan,
    workers,
    serverPids: () => pidsOf(endpoint),
    serverAbsent: absenceOf(endpoint),
    onSecond,
    signal,
  };
  if (workers > 1) return await measure({ ...measurement, generator: processGenerator(endpoint) });
  await using way = await benchDialer(endpoint, plan.scenario);
  const generator: Generator = (share, events, aborted) =>
    runPlan(share, way.dial, events, aborted);
  return await measure({ ...measurement, generator });
}

const PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "ws:": 80,
  "https:": 443,
  "wss:": 443,
};

/** Processes that listen where the endpoint is, on this machine. */
function pidsOf(endpoint: Endpoint): readonly number[] {
  const { url, command } = endpoint;
  if (command !== undefined || url.protocol === "builtin:") return [];
  if (url.protocol === "unix:") return listenerPids({ path: decodeURIComponent(url.pathname) });
  if (!isLoopback(endpoint)) return [];
  const scheme = url.protocol.replace(/^sse\+/, "");
  return listenerPids({ port: Number(url.port) || PORTS[scheme] });
}

function absenceOf(endpoint: Endpoint): string {
  if (Deno.build.os !== "linux") return "only Linux tells what other processes use";
  if (endpoint.url.protocol === "builtin:") return "it runs within the generator";
  if (endpoint.command === undefined && !isLoopback(endpoint)) return "it runs on another machine";
  return "its process cannot be seen";
}

function nameOf({ url, command }: Endpoint): string {
  return command === undefined ? redactUrl(url.href) : command.program;
}

/** A line that is written over on a terminal, else plain lines. */
function progressTo(output: Output, label: string, plan: Plan): (point: TimePoint) => void {
  const durationS = plan.durationMs / 1000;
  const isTerminal = Deno.stderr.isTerminal();
  return (point) => {
    const text = progressText(label, point, durationS, isTerminal);
    if (isTerminal) {
      output.stderr(`\r\x1b[K${text}${point.at >= Math.round(durationS) ? "\n" : ""}`);
    } else if (durationS <= SHORT_RUN_S || point.at % PLAIN_EACH_S === 0) {
      output.stderr(`${text}\n`);
    }
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError(`Cannot compare with ${file}: there is no such file`, "check the path");
  }
}

async function writeFiles(
  { json, html, compare: file, threshold }: BenchSettings,
  result: BenchResult,
  comparisons: readonly Comparison[] | undefined,
): Promise<void> {
  const compared = comparisons && { file: file!, threshold, comparisons };
  if (json !== undefined) await Deno.writeTextFile(json, `${JSON.stringify(result, null, 1)}\n`);
  if (html !== undefined) await Deno.writeTextFile(html, page(result, compared));
}

function verdict(
  result: BenchResult,
  comparisons: readonly Comparison[] = [],
  threshold: number,
  output: Output,
): number {
  const worse = comparisons.filter((one) => one.verdict === "regression");
  for (const { label, worseBy } of worse) {
    const by = `${(100 * worseBy).toFixed(1)} %, beyond the threshold of ${100 * threshold} %`;
    output.stderr(`${oneLine(`sluice: worse: ${label} by ${by} and beyond the noise`)}\n`);
  }
  const failed = isFailed(result);
  if (failed) output.stderr("sluice: answers were crossed, lost or repeated, or there were none\n");
  return failed || worse.length > 0 ? EXIT_FAILED : EXIT_DONE;
}
