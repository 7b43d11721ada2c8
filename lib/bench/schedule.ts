/**
 * When the calls of an open loop are to be sent. Latency counts from these times, whether or not the
 * generator or the server kept up: that is what corrects coordinated omission.
 *
 * @module
 */

/** A stretch of time in which the rate changes evenly. */
export interface Phase {
  readonly forMs: number;
  /** Calls per second at its beginning. */
  readonly fromRate: number;
  /** Calls per second at its end. */
  readonly toRate: number;
}

/** Intended times, in order. */
export class Schedule {
  readonly #phases: readonly Phase[];
  #phase = 0;
  #phaseStartMs: number;
  /** Number of the next call within its phase, counted in whole and broken calls. */
  #due: number;
  #nextMs = Infinity;

  /** @param startMs monotonic */
  constructor(startMs: number, phases: readonly Phase[]) {
    this.#phases = phases;
    this.#phaseStartMs = startMs;
    this.#due = 0;
    this.#find();
  }

  /** When the next call is to be sent, monotonic ms; `Infinity` after the last. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Goes on to the call after the next. */
  advance(): void {
    this.#due++;
    this.#find();
  }

  #find(): void {
    for (; this.#phase < this.#phases.length; this.#phase++) {
      const phase = this.#phases[this.#phase];
      const total = callsOf(phase);
      if (this.#due < total) {
        this.#nextMs = this.#phaseStartMs + timeOf(phase, this.#due);
        return;
      }
      this.#due -= total; // a broken call is carried over, so that no rate is rounded
      this.#phaseStartMs += phase.forMs;
    }
    this.#nextMs = Infinity;
  }
}

/** An even rate. */
export function steady(ratePerSecond: number, forMs: number): Phase[] {
  return [{ forMs, fromRate: ratePerSecond, toRate: ratePerSecond }];
}

/** A quarter of the time rising from a tenth, then waves of 0.5, 1, 0.3 and 1.2, then a tenth. */
export function variable(ratePerSecond: number, forMs: number): Phase[] {
  const wave = (share: number) => ({
    forMs: 0.15 * forMs,
    fromRate: share * ratePerSecond,
    toRate: share * ratePerSecond,
  });
  return [
    { forMs: 0.25 * forMs, fromRate: 0.1 * ratePerSecond, toRate: ratePerSecond },
    ...[0.5, 1, 0.3, 1.2, 0.1].map(wave),
  ];
}

function callsOf({ forMs, fromRate, toRate }: Phase): number {
  return (fromRate + toRate) / 2 * forMs / 1000;
}

/** When so many calls have been due, ms after the beginning of the phase. */
function timeOf({ forMs, fromRate, toRate }: Phase, calls: number): number {
  const [a, b] = [fromRate / 1000, toRate / 1000];
  const slope = (b - a) / forMs;
  if (calls === 0) return 0;
  if (slope === 0) return calls / a;
  const root = Math.sqrt(Math.max(0, a * a + 2 * slope * calls));
  return 2 * calls / (a + root); // the form of the solution that does not cancel
}
