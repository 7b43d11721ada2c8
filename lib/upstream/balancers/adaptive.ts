/**
 * The member on which a model that learns expects the call to be answered first.
 *
 * @module
 */
import { describe, FEATURES, LatencyModel, toolBucket } from "./latency_model.ts";
import type { Asked, Rated, Strategy, StrategyOptions } from "./strategy.ts";

/** Part of the calls placed at random: at first, and in the end. */
const EXPLORE = { first: 0.1, last: 0.002, halfAfterCalls: 100 };
/** Most members that are looked at for one call: a look costs 0.25 us, and the best of 16 is hardly worse than that of 100. */
const LOOKED_AT_MAX = 16;
/** Open calls there is room for at first. */
const TICKETS = 64;

/** See the module. Deterministic for the same calls, clock and random numbers. */
export function adaptive(options: StrategyOptions): Strategy {
  return new Adaptive(options);
}

/** What was known when a call was sent is kept in arrays under its ticket, which is used again: no allocation per call. */
class Adaptive implements Strategy {
  readonly #options: StrategyOptions;
  readonly #model = new LatencyModel();
  /** Cost of the tools that a member has in hand, ms. */
  readonly #workMs: number[] = [];
  #features = new Float64Array(TICKETS * FEATURES);
  readonly #members: number[] = [];
  readonly #tools: number[] = [];
  readonly #costsMs: number[] = [];
  readonly #free: number[] = [];
  #tickets = 1; // ticket 0 is for what is only looked at
  #calls = 0;

  constructor(options: StrategyOptions) {
    this.#options = options;
  }

  readonly pick = <M extends Rated>(ready: readonly M[], asked: Asked): M | undefined => {
    const { random, wallMs } = this.#options;
    if (ready.length <= 1) return ready[0];
    if (random() < this.#exploration()) return ready[Math.floor(random() * ready.length)];
    const tool = toolOf(asked), wall = wallMs();
    const count = Math.min(ready.length, LOOKED_AT_MAX);
    const start = this.#calls * (count < ready.length ? count : 1); // equals take turns
    let best: M | undefined, bestValue = Infinity;
    for (let i = 0; i < count; i++) {
      const member = ready[(start + i) % ready.length];
      const value = this.#expectation(member, tool, wall);
      if (best === undefined || value < bestValue) [best, bestValue] = [member, value];
    }
    return best;
  };

  sent({ stats }: Rated, asked: Asked): number {
    const ticket = this.#free.pop() ?? this.#newTicket();
    const tool = toolOf(asked), { index } = stats;
    const workMs = this.#workMs[index] ??= 0;
    describe(stats, workMs, this.#options.wallMs(), this.#features, ticket * FEATURES);
    this.#calls++;
    this.#members[ticket] = index;
    this.#tools[ticket] = tool;
    this.#costsMs[ticket] = this.#model.costMs(tool);
    this.#workMs[index] = workMs + this.#costsMs[ticket];
    return ticket;
  }

  ended(ticket: number, latencyMs: number, failed: boolean): void {
    const member = this.#members[ticket], tool = this.#tools[ticket];
    this.#workMs[member] -= this.#costsMs[ticket];
    if (!failed) {
      const at = ticket * FEATURES, nowMs = this.#options.now();
      this.#model.learn(member, tool, this.#features, at, latencyMs, nowMs);
    }
    this.#free.push(ticket);
  }

  /** Of a member that fails every other call two tries are expected. */
  #expectation({ stats }: Rated, tool: number, wallMs: number): number {
    const workMs = this.#workMs[stats.index] ?? 0;
    describe(stats, workMs, wallMs, this.#features, 0);
    return this.#model.expect(stats.index, tool, this.#features, 0, this.#options.now()) -
      Math.log(Math.max(0.01, 1 - stats.errorRate));
  }

  #newTicket(): number {
    const ticket = this.#tickets++;
    if (this.#tickets * FEATURES > this.#features.length) {
      const larger = new Float64Array(2 * this.#features.length);
      larger.set(this.#features);
      this.#features = larger;
    }
    return ticket;
  }

  #exploration(): number {
    const { first, last, halfAfterCalls } = EXPLORE;
    return last + (first - last) / (1 + this.#calls / halfAfterCalls);
  }
}

function toolOf({ message }: Asked): number {
  return toolBucket(message.name ?? message.method ?? "");
}
