/**
 * The result of a bench as it is written with `--json`. Fields may be added within a schema version;
 * none changes its meaning.
 *
 * @module
 */
import type { Era } from "../core/eras.ts";
import type { Figures } from "./figures.ts";
import { rounded } from "./latencies.ts";
import type { Scenario } from "./plan.ts";

/** Version of the shape. */
export const SCHEMA_VERSION = 1;

/** What was measured, and how. Two results can be compared when these are the same, the target aside. */
export interface Setup {
  /** Without credentials. */
  readonly target: string;
  readonly direct?: string;
  readonly scenario: Scenario;
  readonly era: Era;
  readonly directEra?: Era;
  readonly connections: number;
  readonly inflight: number;
  readonly ratePerSecond?: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly workers: number;
  readonly repeat: number;
}

/** Where it was measured. */
export interface Machine {
  readonly os: string;
  readonly arch: string;
  readonly cores: number;
  readonly runtime: string;
}

/** One figure over all repeats. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: readonly number[];
}

/** Everything that a bench found. */
export interface BenchResult {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly setup: Setup;
  /** One for each repeat. */
  readonly runs: readonly Figures[];
  /** With `--direct`: measured in turn with `runs`, in the same order. */
  readonly directRuns?: readonly Figures[];
  /** By metric, see {@link METRICS}; with `--direct` the ratios of {@link RATIOS}, too. */
  readonly summary: Readonly<Record<string, Summary>>;
}

/** A figure that results are compared by. */
export interface Metric {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly higherIsBetter: boolean;
  /** `undefined` where a run does not have it. */
  of(figures: Figures): number | undefined;
}

/** A figure of a run through something, set against the run without it that was made right before. */
export interface Ratio {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly higherIsBetter: boolean;
  of(through: Figures, direct: Figures): number | undefined;
}

const ms = (name: keyof Figures["latencyMs"], label: string): Metric => ({
  name: `latency_${name}_ms`,
  label: `latency ${label}`,
  unit: "ms",
  higherIsBetter: false,
  of: ({ latencyMs }) => latencyMs.count === 0 ? undefined : latencyMs[name],
});

/** Figures of single runs. */
export const METRICS: readonly Metric[] = [
  {
    name: "rate_per_s",
    label: "calls",
    unit: "/s",
    higherIsBetter: true,
    of: ({ ratePerSecond }) => ratePerSecond,
  },
  ms("p50", "p50"),
  ms("p90", "p90"),
  ms("p99", "p99"),
  ms("p999", "p99.9"),
  {
    name: "connect_p50_ms",
    label: "connect p50",
    unit: "ms",
    higherIsBetter: false,
    of: ({ connectMs }) => connectMs.count === 0 ? undefined : connectMs.p50,
  },
  {
    name: "error_share",
    label: "share of errors",
    unit: "",
    higherIsBetter: false,
    of: ({ errorShare }) => errorShare,
  },
  {
    name: "server_cpu_us_per_call",
    label: "server CPU per call",
    unit: "us",
    higherIsBetter: false,
    of: cpuPerCallUs,
  },
  {
    name: "server_rss_kib_per_connection",
    label: "server memory per connection",
    unit: "KiB",
    higherIsBetter: false,
    of: ({ server, connections }) =>
      "absent" in server || connections < CONNECTIONS_FOR_MEMORY
        ? undefined
        : server.rssPerConnectionKiB,
  },
];

/** With fewer connections the memory of each drowns in what the runtime does by itself. */
export const CONNECTIONS_FOR_MEMORY = 100;

/** Figures that do not depend on how fast the machine is today. */
export const RATIOS: readonly Ratio[] = [
  {
    name: "rate_ratio",
    label: "rate, through / direct",
    unit: "",
    higherIsBetter: true,
    of: (through, direct) => divided(through.ratePerSecond, direct.ratePerSecond),
  },
  {
    name: "cpu_ratio",
    label: "server CPU per call, through / direct",
    unit: "",
    higherIsBetter: false,
    of(through, direct) {
      const [ours, theirs] = [cpuPerCallUs(through), cpuPerCallUs(direct)];
      return ours === undefined || theirs === undefined ? undefined : divided(ours, theirs);
    },
  },
  ...(["p50", "p99"] as const).map((name): Ratio => ({
    name: `latency_${name}_ratio`,
    label: `latency ${name}, through / direct`,
    unit: "",
    higherIsBetter: false,
    of: (through, direct) => divided(through.latencyMs[name], direct.latencyMs[name]),
  })),
];

/** How much latency is added; in ms, so it depends on the machine. */
export const ADDED: readonly Ratio[] = (["p50", "p90", "p99"] as const).map((name) => ({
  name: `added_${name}_ms`,
  label: `added latency ${name}`,
  unit: "ms",
  higherIsBetter: false,
  of: (through, direct) => through.latencyMs[name] - direct.latencyMs[name],
}));

/** All figures over all repeats. */
export function summaryOf(
  runs: readonly Figures[],
  directRuns: readonly Figures[] | undefined,
): Record<string, Summary> {
  const summary: Record<string, Summary> = {};
  const note = (name: string, samples: (number | undefined)[]) => {
    const known = samples.filter((one) => one !== undefined);
    if (known.length > 0 && known.length === samples.length) summary[name] = summarised(known);
  };
  for (const metric of METRICS) note(metric.name, runs.map(metric.of));
  for (const ratio of directRuns === undefined ? [] : [...RATIOS, ...ADDED]) {
    note(ratio.name, runs.map((run, index) => ratio.of(run, directRuns![index])));
  }
  return summary;
}

/** Median and range. */
export function summarised(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]
    : (sorted[middle - 1] + sorted[middle]) / 2;
  return {
    median: rounded(median),
    min: sorted[0],
    max: sorted[sorted.length - 1],
    samples: samples.map(rounded),
  };
}

/** Whether answers went astray, or none came at all: then the bench has failed, whatever its figures. */
export function isFailed({ runs, directRuns = [] }: BenchResult): boolean {
  return [...runs, ...directRuns].some(({ integrity, answered }) =>
    integrity.crossed + integrity.lost + integrity.repeated > 0 || answered === 0
  );
}

function cpuPerCallUs({ server }: Figures): number | undefined {
  return "absent" in server || server.cpuPerCallUs === 0 ? undefined : server.cpuPerCallUs;
}

function divided(a: number, b: number): number | undefined {
  return b === 0 ? undefined : a / b;
}
