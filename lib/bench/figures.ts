/**
 * The figures of one measurement, added up over its generators.
 *
 * @module
 */
import { Latencies, type Percentiles, rounded } from "./latencies.ts";
import type { Plan } from "./plan.ts";
import type { ServerFigures } from "./server_watch.ts";
import type { Second, TallyReport } from "./tally.ts";

/** One point of the time line. */
export interface TimePoint {
  /** End of the second, s since measuring began. */
  readonly at: number;
  readonly ratePerSecond: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/** What one measurement found. Latencies in ms. */
export interface Figures {
  readonly seconds: number;
  readonly answered: number;
  readonly ratePerSecond: number;
  readonly latencyMs: Percentiles;
  readonly connectMs: Percentiles;
  readonly reconnectMs: Percentiles;
  /** Of scenario `connect-storm`. */
  readonly connectsPerSecond?: number;
  readonly connections: number;
  /** By kind. */
  readonly errors: Readonly<Record<string, number>>;
  readonly errorShare: number;
  readonly integrity: Integrity;
  /** Of messages, without framing and headers. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Messages that came with one read. */
  readonly batchMean: number;
  readonly notifications: number;
  /** Answers to the slow connections of scenario `slow-client`; they are in no other figure. */
  readonly slowAnswered: number;
  /** Calls per second that scenario `overload` found in its closed loop. */
  readonly capacityPerSecond?: number;
  readonly server: ServerFigures;
  readonly generator: GeneratorFigures;
  readonly timeline: readonly TimePoint[];
  /** Upper end in ms, and calls. */
  readonly histogram: readonly (readonly [number, number])[];
}

/** Answers that went astray. */
export interface Integrity {
  /** Answers to a question of somebody else. */
  readonly crossed: number;
  readonly lost: number;
  readonly repeated: number;
  /** Answers to calls that had been given up. */
  readonly late: number;
  /** `ids` where answers carry no nonce: then only ids tell whose they are. */
  readonly checkedBy: "nonces" | "ids";
}

/** How the generators themselves did. */
export interface GeneratorFigures {
  readonly workers: number;
  /** Processor time of the busiest, as a share of one core. */
  readonly cpuShareMax: number;
  /** How late calls were sent in an open loop, ms. */
  readonly lagP99Ms: number;
  /** Whether the generators, not the server, may be what was measured. */
  readonly isBottleneck: boolean;
}

/** A generator busier than this may be what limits the rate of a closed loop. */
const BUSY_SHARE = 0.9;
/** An open loop that sends later than this cannot tell latencies of that order, ms. */
export const LAG_MS_MAX = 2;

/** Adds up what the generators of one measurement report. */
export function figuresOf(
  reports: readonly TallyReport[],
  server: (connections: number, answered: number) => ServerFigures,
  { scenario, ratePerSecond }: Pick<Plan, "scenario" | "ratePerSecond">,
): Figures {
  const isOpenLoop = ratePerSecond !== undefined || ["overload", "idle-hold"].includes(scenario);
  const sum = (key: NumberKey) => reports.reduce((total, report) => total + report[key], 0);
  const merged = (key: "calls" | "connects" | "reconnects" | "lags") => mergedOf(reports, key);
  const measuredMs = Math.max(...reports.map((report) => report.measuredMs));
  const seconds = measuredMs / 1000;
  const answered = sum("answered");
  const errors = errorsOf(reports);
  const failed = Object.values(errors).reduce((total, count) => total + count, 0);
  const calls = merged("calls");
  const connects = merged("connects");
  const capacity = reports.reduce(
    (total, { capacityPerSecond = 0 }) => total + capacityPerSecond,
    0,
  );
  return {
    seconds: rounded(seconds),
    answered,
    ratePerSecond: rounded(answered / seconds),
    latencyMs: calls.percentiles(),
    connectMs: connects.percentiles(),
    reconnectMs: merged("reconnects").percentiles(),
    ...scenario === "connect-storm" ? { connectsPerSecond: rounded(connects.count / seconds) } : {},
    connections: sum("connected"),
    errors,
    errorShare: rounded(failed / Math.max(1, failed + answered)),
    integrity: integrityOf(reports, sum),
    bytesSent: sum("bytesSent"),
    bytesReceived: sum("bytesReceived"),
    batchMean: rounded(sum("messagesReceived") / Math.max(1, sum("batches"))),
    notifications: sum("notifications"),
    slowAnswered: sum("slowAnswered"),
    ...capacity > 0 ? { capacityPerSecond: rounded(capacity) } : {},
    server: server(sum("connected"), answered),
    generator: generatorOf(reports, merged("lags"), isOpenLoop),
    timeline: timelineOf(reports.map((report) => report.seconds)),
    histogram: calls.buckets(),
  };
}

type NumberKey = {
  [Key in keyof TallyReport]-?: TallyReport[Key] extends number ? Key : never;
}[keyof TallyReport];

/** Adds up the seconds that several generators measured at once. */
export function timelineOf(series: readonly (readonly Second[])[]): TimePoint[] {
  const byTime = new Map<number, Second[]>();
  for (const second of series.flat()) {
    byTime.set(second.at, [...byTime.get(second.at) ?? [], second]);
  }
  return [...byTime].sort(([a], [b]) => a - b).map(([at, seconds]) => pointOf(at, seconds));
}

/** One point of the time line out of the same second of all generators. */
export function pointOf(at: number, seconds: readonly Second[]): TimePoint {
  const calls = new Latencies();
  for (const second of seconds) calls.add(Latencies.decode(second.calls));
  return {
    at,
    ratePerSecond: rounded(
      seconds.reduce((total, { answered, ms }) => total + 1000 * answered / ms, 0),
    ),
    errors: seconds.reduce((total, { errors }) => total + errors, 0),
    p50: rounded(calls.percentileMs(50)),
    p99: rounded(calls.percentileMs(99)),
  };
}

function mergedOf(
  reports: readonly TallyReport[],
  key: "calls" | "connects" | "reconnects" | "lags",
) {
  const all = new Latencies();
  for (const report of reports) all.add(Latencies.decode(report[key]));
  return all;
}

function errorsOf(reports: readonly TallyReport[]): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const report of reports) {
    for (const [kind, count] of Object.entries(report.errors)) {
      errors[kind] = (errors[kind] ?? 0) + count;
    }
  }
  return errors;
}

function integrityOf(reports: readonly TallyReport[], sum: (key: NumberKey) => number): Integrity {
  const [crossed, lost, repeated, late] = [
    sum("crossed"),
    sum("lost"),
    sum("repeated"),
    sum("late"),
  ];
  const hasNonces = reports.every(({ noncesChecked }) => noncesChecked === true);
  return { crossed, lost, repeated, late, checkedBy: hasNonces ? "nonces" : "ids" };
}

function generatorOf(
  reports: readonly TallyReport[],
  lags: Latencies,
  isOpenLoop: boolean,
): GeneratorFigures {
  const cpuShareMax = Math.max(...reports.map(({ cpuMs, measuredMs }) => cpuMs / measuredMs));
  const lagP99Ms = lags.percentileMs(99);
  return {
    workers: reports.length,
    cpuShareMax: rounded(cpuShareMax),
    lagP99Ms: rounded(lagP99Ms),
    isBottleneck: isOpenLoop ? lagP99Ms > LAG_MS_MAX : cpuShareMax > BUSY_SHARE,
  };
}
