/**
 * Predicts how long a call will take from what is known before it is sent, and learns from each answer, one step
 * of stochastic gradient descent on the squared error of the logarithm:
 *
 *     ms = slowness(member, errors, time of day) * (cost(tool) + wait(member))
 *     wait = k(member) * work in hand * pending ^ g(member)
 *
 * The work in hand is the cost of the tools that the member was given and has not answered. So the model tells a member
 * that is slow from one that happened to get the slow tools, and learns how each takes company: a server that
 * works on many calls at once has a small k.
 *
 * @module
 */
import type { MemberStats } from "../pool/member_stats.ts";

/** Numbers that describe a member before a call: see {@link describe}. */
export const FEATURES = 7;
/** Of these, the ones with plain weights. */
const WEIGHTED = 5;
const WORK = 5, PENDING = 6;
/** Tools are told apart by this many buckets of a hash. */
const BUCKETS = 64;
const DAY_MS = 86_400_000;

/** Before the first answer, a call takes so long on a member without others, ms. */
const COST_MS = 10;
/** Before the first answer, a call waits for so much of the work in hand. */
const K = { first: 0.05, min: 0.005, max: 2 };
const G = { first: 1, min: 0.3, max: 3 };
/** Part of an error that one answer corrects, by what it corrects. Chosen on bench/strategies, seeds 101 to 110. */
const STEP = { slowness: 0.05, cost: 0.02, k: 0.05, g: 0.05, weight: 0.002 };
/**
 * A member that answers nothing for so long is held faster by e, ms, until it is tried again; and what it then says
 * counts for so much more. Else nobody would learn that a slow member is well.
 */
const FADE_MS = 30_000;
/** One answer is not believed to be off by more than e to this. */
const OFF_MAX = 2;

/** What is known of one member. */
interface MemberModel {
  answers: number;
  /** When it last answered. */
  heardMs: number;
  /** Logarithm: its moving latency, freed from what tools and company explain. */
  slowness: number;
  /** Logarithm. */
  k: number;
  g: number;
  readonly weights: Float64Array;
}

/** Writes what is known of a member now: error rate, time of day in two harmonics, work in hand, pending calls. */
export function describe(
  stats: MemberStats,
  workMs: number,
  wallMs: number,
  into: Float64Array,
  at: number,
): void {
  const day = 2 * Math.PI * (wallMs % DAY_MS) / DAY_MS;
  into[at] = stats.errorRate;
  into[at + 1] = Math.sin(day);
  into[at + 2] = Math.cos(day);
  into[at + 3] = Math.sin(2 * day);
  into[at + 4] = Math.cos(2 * day);
  into[at + WORK] = workMs;
  into[at + PENDING] = stats.pending;
}

/** Bucket of a tool: FNV-1a of its name. */
export function toolBucket(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % BUCKETS;
}

/** See the module. */
export class LatencyModel {
  readonly #members: MemberModel[] = [];
  /** By bucket: logarithm of ms, and how often it was seen. */
  readonly #costs = new Float64Array(BUCKETS).fill(Math.log(COST_MS));
  readonly #seen = new Uint32Array(BUCKETS);
  #costMs = 0;
  #waitMs = 0;

  /** What a tool costs on a member of slowness 1 without others, ms. */
  costMs(tool: number): number {
    return Math.exp(this.#costs[tool]);
  }

  /** Expected logarithm of the time to the answer, ms; less for a member that has been silent. */
  expect(member: number, tool: number, features: Float64Array, at: number, nowMs: number): number {
    const { heardMs } = this.#of(member, nowMs);
    return this.#predict(member, tool, features, at, nowMs) - (nowMs - heardMs) / FADE_MS;
  }

  #predict(
    member: number,
    tool: number,
    features: Float64Array,
    at: number,
    nowMs: number,
  ): number {
    const { slowness, weights, k, g } = this.#of(member, nowMs);
    const workMs = features[at + WORK], pending = features[at + PENDING];
    this.#costMs = this.costMs(tool);
    this.#waitMs = pending === 0 || workMs <= 0
      ? 0
      : Math.exp(k + Math.log(workMs) + g * Math.log(pending));
    let sum = slowness + Math.log(this.#costMs + this.#waitMs);
    for (let i = 0; i < WEIGHTED; i++) sum += weights[i] * features[at + i];
    return sum;
  }

  /** Takes an answer into account that came after so many ms. */
  learn(
    member: number,
    tool: number,
    features: Float64Array,
    at: number,
    ms: number,
    nowMs: number,
  ): void {
    const expected = this.#predict(member, tool, features, at, nowMs);
    const off = within(Math.log(Math.max(ms, 0.01)) - expected, -OFF_MAX, OFF_MAX);
    const model = this.#of(member, nowMs);
    const news = 1 - Math.exp((model.heardMs - nowMs) / FADE_MS);
    model.heardMs = nowMs;
    const waiting = this.#waitMs / (this.#costMs + this.#waitMs);
    model.slowness += Math.max(news, step(STEP.slowness, model.answers++)) * off;
    this.#costs[tool] += step(STEP.cost, this.#seen[tool]++) * off * (1 - waiting);
    for (let i = 0; i < WEIGHTED; i++) model.weights[i] += STEP.weight * off * features[at + i];
    if (waiting === 0) return;
    model.k = within(model.k + STEP.k * off * waiting, Math.log(K.min), Math.log(K.max));
    const company = Math.log(features[at + PENDING]) - 1; // 1 is about its mean: k and g move apart from each other
    model.g = within(model.g + STEP.g * off * waiting * company, G.min, G.max);
  }

  #of(member: number, nowMs: number): MemberModel {
    return this.#members[member] ??= {
      answers: 0,
      heardMs: nowMs,
      slowness: 0,
      k: Math.log(K.first),
      g: G.first,
      weights: new Float64Array(WEIGHTED),
    };
  }
}

/** The first answers count as in an average; later ones by the step. */
function step(least: number, before: number): number {
  return Math.max(least, 1 / (before + 2));
}

function within(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
