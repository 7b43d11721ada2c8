/**
 * Looks at the gateway once a second: how much passes, how much of the machine is used, whether that is unusual,
 * and whether the objectives are kept.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import { backgroundTimer } from "../background_timer.ts";
import type { GatewayMetrics } from "../gateway_metrics.ts";
import type { Logger } from "../logger.ts";
import type { Registry } from "../metrics.ts";
import type {
  AnomalyFigures,
  AnomalySignal,
  CapacityResource,
  Overview,
  OverviewSource,
  RecentAlert,
  RecentSecurityEvent,
} from "../overview.ts";
import { type ServiceMetrics, serviceMetrics } from "../service_metrics.ts";
import { type Baseline, type BaselineOptions } from "./baseline.ts";
import { baselines, SAMPLE_MS, sampleOf } from "./signals.ts";
import { Objectives, type ObjectiveTargets } from "./objectives.ts";
import { overviewOf } from "./overview_of.ts";
import { Recent } from "./recent.ts";
import { between, type Totals, totalsOf } from "./totals.ts";
import { UsageLevel } from "./usage_level.ts";
import {
  type MachineLimits,
  machineLimits,
  type MachineUse,
  machineUse,
} from "./usage_readings.ts";

/** What a watch is told; asked anew wherever it may change while the gateway runs. */
export interface ServiceWatchSettings {
  /** Share of each resource from which on it is too much. */
  readonly capacity: Readonly<Record<CapacityResource, number>>;
  /** Speed of the network, bits per second; 0 for what the system says. */
  readonly networkBitsPerS: number;
  readonly anomalies: Pick<BaselineOptions, "score"> & {
    readonly enabled: boolean;
    readonly warmUpMs: number;
    readonly halfLifeMs: number;
  };
  readonly objectives: ObjectiveTargets;
}

/** What a watch looks at. */
export interface ServiceWatchParts {
  readonly metrics: GatewayMetrics;
  readonly registry: Registry;
  readonly log: Logger;
  readonly settings: ServiceWatchSettings;
  /** Connections open, as a share of what may be. */
  connectionShare(): number;
  /** Newest first. */
  securityEvents(): readonly RecentSecurityEvent[];
}

/** Where time and machine come from; the real ones unless a test says otherwise. */
export interface WatchedMachine {
  nowMs(): number;
  readonly limits: MachineLimits;
  use(): MachineUse;
}

/** Between two looks, ms. */
const LOOK_MS = 1_000;
/** Rates and percentiles are of so many looks. */
const WINDOW_LOOKS = 10;
const ALERTS_MAX = 100;

/** See the module. Dispose it to stop. */
export class ServiceWatch implements OverviewSource, Disposable {
  readonly #parts: ServiceWatchParts;
  readonly #machine: WatchedMachine;
  readonly #series: ServiceMetrics;
  readonly #levels: ReadonlyMap<CapacityResource, UsageLevel>;
  readonly #baselines: ReadonlyMap<AnomalySignal, Baseline>;
  readonly #objectives: Objectives;
  readonly #alerts = new Recent<RecentAlert>(ALERTS_MAX);
  readonly #listeners = new Set<(alert: RecentAlert) => void>();
  /** Oldest first; one more than looks in the window. */
  readonly #totals: Totals[] = [];
  #sampled: Totals | undefined;
  #use: MachineUse;
  #cpuCores = 0;
  #timer: Disposable | undefined;

  constructor(parts: ServiceWatchParts, machine: WatchedMachine = realMachine()) {
    const { settings, metrics } = parts;
    this.#parts = parts;
    this.#machine = machine;
    this.#series = serviceMetrics(parts.registry);
    this.#levels = levelsOf(settings, this.#networkBitsPerS);
    this.#baselines = settings.anomalies.enabled ? baselines(settings.anomalies) : new Map();
    this.#objectives = new Objectives(settings.objectives, metrics.requestDuration.buckets);
    this.#use = machine.use();
    const totals = totalsOf(metrics, machine.nowMs());
    this.#totals.push(totals);
    this.#objectives.take(totals);
    this.#sampled = totals;
    this.#showObjectives();
    for (const [resource, { threshold }] of this.#levels) {
      this.#series.capacityThreshold.with({ resource }).set(threshold);
    }
  }

  /** Looks once a second from now on. The timer does not keep the process alive. */
  start(): void {
    this.#timer = backgroundTimer(() => {
      this.look();
      this.start();
    }, LOOK_MS);
  }

  /** Looks once. */
  look(): void {
    const totals = totalsOf(this.#parts.metrics, this.#machine.nowMs());
    this.#lookAtUse(totals);
    this.#totals.push(totals);
    if (this.#totals.length > WINDOW_LOOKS + 1) this.#totals.shift();
    this.#objectives.take(totals);
    this.#showObjectives();
    if (totals.atMs - this.#sampled!.atMs < SAMPLE_MS) return;
    this.#lookAtSignals(between(this.#sampled!, totals));
    this.#sampled = totals;
  }

  /** See {@link OverviewSource.snapshot}. */
  snapshot(): Overview {
    const { metrics, registry } = this.#parts;
    const now = totalsOf(metrics, this.#machine.nowMs());
    return overviewOf(registry, {
      passed: between(this.#totals[0], now),
      boundsS: metrics.requestDuration.buckets,
      cpuCores: this.#cpuCores,
      capacity: [...this.#levels].map(([resource, { ratio, threshold, isOver }]) => ({
        ...{ resource, ratio, threshold, isOver },
      })),
      anomalies: [...this.#baselines].map(([signal, baseline]) => figuresOf(signal, baseline)),
      objectives: this.#objectives.figures(),
      alerts: this.#alerts.list(),
      securityEvents: this.#parts.securityEvents(),
    });
  }

  /** See {@link OverviewSource.onAlert}. */
  onAlert(listener: (alert: RecentAlert) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  get #networkBitsPerS(): number {
    return this.#parts.settings.networkBitsPerS || this.#machine.limits.networkBitsPerS;
  }

  #showObjectives(): void {
    for (const { objective, compliance, target } of this.#objectives.figures()) {
      this.#series.compliance.with({ objective }).set(compliance);
      this.#series.objectiveTarget.with({ objective }).set(target);
    }
  }

  #lookAtUse(totals: Totals): void {
    const { atMs, bytesIn, bytesOut } = between(this.#totals.at(-1)!, totals);
    const seconds = Math.max(atMs, 1) / 1000;
    const use = this.#machine.use();
    this.#cpuCores = (use.cpuS - this.#use.cpuS) / seconds;
    this.#use = use;
    const ratios: Readonly<Record<CapacityResource, number>> = {
      cpu: this.#cpuCores / this.#machine.limits.cores,
      memory: use.memoryShare,
      connections: this.#parts.connectionShare(),
      bandwidth: 8 * Math.max(bytesIn, bytesOut) / seconds / this.#networkBitsPerS,
    };
    for (const [resource, level] of this.#levels) {
      const hasChanged = level.take(ratios[resource]);
      this.#series.capacity.with({ resource }).set(level.ratio);
      this.#series.capacityOver.with({ resource }).set(level.isOver ? 1 : 0);
      if (hasChanged) this.#tell("capacity", resource, level.isOver, level.ratio);
    }
  }

  #lookAtSignals(passed: Totals): void {
    for (const [signal, baseline] of this.#baselines) {
      const value = sampleOf(signal, passed, this.#parts.metrics.requestDuration.buckets);
      if (value === undefined) continue;
      const hasChanged = baseline.take(value);
      this.#series.anomalyScore.with({ signal }).set(Math.abs(baseline.score));
      this.#series.anomalous.with({ signal }).set(baseline.isAnomalous ? 1 : 0);
      if (hasChanged) this.#tell("anomaly", signal, baseline.isAnomalous, baseline.score);
    }
  }

  #tell(kind: RecentAlert["kind"], name: string, isOver: boolean, value: number): void {
    const alert: RecentAlert = { atMs: Date.now(), kind, name, isOver, value };
    this.#alerts.add(alert);
    const fields = { [kind === "capacity" ? "resource" : "signal"]: name, value: rounded(value) };
    if (isOver) {
      this.#series.alerts.with({ kind, name }).inc();
      this.#parts.log.warn(kind === "capacity" ? "capacity runs short" : "anomaly begins", fields);
    } else {
      this.#parts.log.info(kind === "capacity" ? "capacity is back" : "anomaly is over", fields);
    }
    for (const listener of this.#listeners) listener(alert);
  }
}

function levelsOf({ capacity }: ServiceWatchSettings, networkBitsPerS: number) {
  const levels = new Map<CapacityResource, UsageLevel>();
  for (const resource of ["cpu", "memory", "connections", "bandwidth"] as const) {
    const isKnown = resource !== "bandwidth" || networkBitsPerS > 0;
    if (isKnown) levels.set(resource, new UsageLevel(capacity[resource]));
  }
  return levels;
}

function figuresOf(signal: AnomalySignal, baseline: Baseline): AnomalyFigures {
  const { value, mean, score, isAnomalous } = baseline;
  return { signal, value, mean, score, isAnomalous };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function realMachine(): WatchedMachine {
  const limits = machineLimits();
  return { nowMs: monotonicMs, limits, use: () => machineUse(limits) };
}
