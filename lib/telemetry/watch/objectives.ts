/**
 * How well the service keeps its objectives, over the last hour: the quick answer inside the process. Burn
 * rates over longer times are the business of docs/operations/alerts.yml.
 *
 * @module
 */
import type { ObjectiveFigures } from "../overview.ts";
import { countWithin } from "./quantile.ts";
import { between, type Totals } from "./totals.ts";

/** What the service should be. */
export interface ObjectiveTargets {
  /** Least share of requests for which somebody was there. */
  readonly availability: number;
  /** Largest share of requests answered with an error. */
  readonly errors: number;
  /** 95 of 100 requests should take no longer, ms. */
  readonly p95Ms: number;
}

/** Share of requests that should be fast enough. */
const LATENCY_SHARE = 0.95;
const WINDOW_MS = 3_600_000;
/** The window moves on in steps of this, ms. */
const STEP_MS = 60_000;

/** Keeps the totals of an hour, one a minute. */
export class Objectives {
  readonly #targets: ObjectiveTargets;
  readonly #boundsS: readonly number[];
  readonly #steps: Totals[] = [];
  #latest: Totals | undefined;

  /** @param boundsS of the histogram of durations, s */
  constructor(targets: ObjectiveTargets, boundsS: readonly number[]) {
    this.#targets = targets;
    this.#boundsS = boundsS;
  }

  /** Takes the totals of now. */
  take(totals: Totals): void {
    this.#latest = totals;
    const last = this.#steps.at(-1);
    if (last !== undefined && totals.atMs - last.atMs < STEP_MS) return;
    this.#steps.push(totals);
    while (totals.atMs - this.#steps[0].atMs > WINDOW_MS) this.#steps.shift();
  }

  /** One figure for each objective. */
  figures(): ObjectiveFigures[] {
    if (this.#latest === undefined) return [];
    const passed = between(this.#steps[0], this.#latest);
    const { availability, errors, p95Ms } = this.#targets;
    const timed = passed.durations.reduce((sum, count) => sum + count, 0);
    const slow = timed - countWithin(this.#boundsS, passed.durations, p95Ms / 1000);
    const { requests, unavailable, serviceErrors } = passed;
    return [
      objective("availability", availability, requests, unavailable),
      objective("errors", 1 - errors, requests, serviceErrors),
      objective("latency", LATENCY_SHARE, timed, slow),
    ];
  }
}

function objective(
  name: ObjectiveFigures["objective"],
  target: number,
  requests: number,
  bad: number,
): ObjectiveFigures {
  const compliance = requests === 0 ? 1 : 1 - bad / requests;
  return { objective: name, compliance, target, requests, bad };
}
