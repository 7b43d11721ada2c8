/**
 * The last minutes of a gateway in columns, so that a dashboard has something to draw when it opens.
 *
 * @module
 */
import type { Overview } from "../../telemetry/overview.ts";

/** What is drawn over time. */
export const SERIES = [
  ...["requestsPerS", "errorsPerS", "p50Ms", "p95Ms", "p99Ms"],
  ...["bytesInPerS", "bytesOutPerS", "connections", "sessions"],
  ...["cpuCores", "residentBytes", "loopDelayMs"],
] as const;

/** Unix times in s, and one column for each of {@link SERIES}. */
export interface HistoryColumns {
  readonly atS: number[];
  readonly columns: Record<typeof SERIES[number], number[]>;
}

/** Points that are kept: ten minutes with one a second. */
export const POINTS_MAX = 600;

/** See the module. */
export class History {
  readonly #points: { atS: number; values: Record<typeof SERIES[number], number> }[] = [];

  /** Adds the present. */
  add(overview: Overview): void {
    this.#points.push({ atS: Math.round(Date.now() / 100) / 10, values: valuesOf(overview) });
    if (this.#points.length > POINTS_MAX) this.#points.shift();
  }

  /** Oldest first. */
  columns(): HistoryColumns {
    const columns = Object.fromEntries(
      SERIES.map((name) => [name, this.#points.map(({ values }) => values[name])]),
    ) as HistoryColumns["columns"];
    return { atS: this.#points.map(({ atS }) => atS), columns };
  }
}

function valuesOf(
  { rates, latency, connections, process }: Overview,
): Record<typeof SERIES[number], number> {
  return {
    requestsPerS: rounded(rates.requestsPerS),
    errorsPerS: rounded(rates.errorsPerS),
    p50Ms: rounded(latency.p50Ms),
    p95Ms: rounded(latency.p95Ms),
    p99Ms: rounded(latency.p99Ms),
    bytesInPerS: Math.round(rates.bytesInPerS),
    bytesOutPerS: Math.round(rates.bytesOutPerS),
    connections: connections.total,
    sessions: connections.sessions,
    cpuCores: rounded(process.cpuCores),
    residentBytes: process.residentBytes,
    loopDelayMs: rounded(process.eventLoopDelayP99Ms),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
