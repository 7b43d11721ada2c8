/**
 * Buckets of a gateway that is several processes: each account is kept by one of them, chosen by a hash over
 * those that answer, and the others ask it. Questions that come while one is under way go out together.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import { type Allowance, MemoryRateStore, type RateStore } from "./rate_store.ts";
import type { Rate } from "./token_bucket.ts";

/** The other processes. */
export interface RateKeepers {
  /** Number of this one, from 1 on. */
  readonly own: number;
  /** How many there are. */
  readonly count: number;
  /** What {@link ElectedRateStore.answer} of another one says; rejects when it does not say so in time. */
  ask(worker: number, question: string): Promise<string>;
}

/** A question about one account. */
interface Question {
  readonly account: string;
  readonly rates: readonly Rate[];
  readonly settle: (allowance: Allowance) => void;
}

/** Who has not answered is not asked for so long, ms: the accounts that it keeps are kept by others meanwhile. */
const DOWN_MS = 1_000;
/** Accounts asked about at once; each may have 2 KB. */
const QUESTIONS_MAX = 500;
/** Text of a question that is looked at, in characters. */
const QUESTION_CHARS_MAX = 4 * 1024 * 1024;
const RATES_MAX = 4;

/**
 * See the module. Where nobody answers in time a call is counted here, against its part of the limit: one of as
 * many parts as there are processes. An account whose keeper has ended begins with a full bucket elsewhere, and
 * again when the keeper is back.
 */
export class ElectedRateStore implements RateStore {
  readonly #own: MemoryRateStore;
  readonly #parts: MemoryRateStore;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<number, Question[]>();
  readonly #asking = new Set<number>();
  readonly #downUntilMs = new Map<number, number>();
  #keepers: RateKeepers | undefined;
  /** Calls that were counted in part because nobody answered. */
  alone = 0;

  /**
   * @param accountsMax accounts that are remembered
   * @param nowMs monotonic ms
   */
  constructor(accountsMax: number, nowMs: () => number = monotonicMs) {
    this.#own = new MemoryRateStore(accountsMax, nowMs);
    this.#parts = new MemoryRateStore(Math.ceil(accountsMax / 10), nowMs);
    this.#nowMs = nowMs;
  }

  /** From now on there are others; before, this process keeps all accounts. */
  join(keepers: RateKeepers): void {
    this.#keepers = keepers;
  }

  take(account: string, rates: readonly Rate[]): Allowance | Promise<Allowance> {
    const keepers = this.#keepers;
    const keeper = this.keeperOf(account);
    if (keepers === undefined || keeper === keepers.own) return this.#own.take(account, rates);
    return new Promise((settle) => {
      const line = this.#waiting.get(keeper);
      if (line === undefined) this.#waiting.set(keeper, [{ account, rates, settle }]);
      else line.push({ account, rates, settle });
      if (!this.#asking.has(keeper)) void this.#askAll(keeper, keepers);
    });
  }

  /**
   * Answers another process.
   *
   * @throws {SluiceError} when it is no question of ours
   */
  answer(question: string): string {
    if (question.length > QUESTION_CHARS_MAX) throw notOurs();
    const asked: unknown = JSON.parse(question);
    if (!Array.isArray(asked)) throw notOurs();
    return JSON.stringify(asked.map((one) => {
      const [account, rates] = readQuestion(one);
      const { retryAfterMs, limit, remaining, fullAfterMs } = this.#own.take(account, rates);
      return [retryAfterMs, limit, remaining, fullAfterMs];
    }));
  }

  /** Who keeps an account: the live process with the highest score for it (rendezvous hashing). */
  keeperOf(account: string): number {
    if (this.#keepers === undefined) return 0;
    const { own, count } = this.#keepers;
    const hash = hashOf(account), nowMs = this.#nowMs();
    let best = own, bestScore = -1;
    for (let worker = 1; worker <= count; worker++) {
      const score = mixed(hash, worker);
      if (score <= bestScore) continue;
      if (worker !== own && (this.#downUntilMs.get(worker) ?? 0) > nowMs) continue;
      best = worker;
      bestScore = score;
    }
    return best;
  }

  /** Asks until nothing waits any more, one question at a time. */
  async #askAll(keeper: number, keepers: RateKeepers): Promise<void> {
    this.#asking.add(keeper);
    await Promise.resolve(); // what else this turn brings comes along
    for (let line = this.#waiting.get(keeper); line?.length; line = this.#waiting.get(keeper)) {
      const questions = line.splice(0, QUESTIONS_MAX);
      const text = JSON.stringify(questions.map(({ account, rates }) => [
        account,
        ...rates.flatMap(({ burst, intervalMs }) => [burst, intervalMs]),
      ]));
      try {
        const answers = JSON.parse(await keepers.ask(keeper, text));
        questions.forEach(({ settle }, i) => settle(allowanceOf(answers[i])));
      } catch { // it has ended, or hangs: every question is answered here
        this.#downUntilMs.set(keeper, this.#nowMs() + DOWN_MS);
        for (const question of questions.concat(line.splice(0))) {
          this.#settleAlone(question, keepers);
        }
      }
    }
    this.#asking.delete(keeper);
  }

  #settleAlone({ account, rates, settle }: Question, { count }: RateKeepers): void {
    this.alone++;
    const parts = rates.map(({ burst, intervalMs }) => ({
      burst: Math.max(1, Math.floor(burst / count)),
      intervalMs: intervalMs * count,
    }));
    settle(this.#parts.take(account, parts));
  }
}

function readQuestion(one: unknown): [string, Rate[]] {
  if (!Array.isArray(one)) throw notOurs();
  const [account, ...figures] = one;
  const areFigures = figures.every((figure) => Number.isFinite(figure) && figure > 0);
  const count = figures.length / 2;
  if (typeof account !== "string" || !areFigures) throw notOurs();
  if (!Number.isInteger(count) || count < 1 || count > RATES_MAX) throw notOurs();
  const rates = Array.from({ length: count }, (_, i) => ({
    burst: figures[2 * i],
    intervalMs: figures[2 * i + 1],
  }));
  return [account, rates];
}

function allowanceOf(answer: unknown): Allowance {
  if (!Array.isArray(answer) || !answer.every((figure) => typeof figure === "number")) {
    throw notOurs();
  }
  const [retryAfterMs, limit, remaining, fullAfterMs] = answer;
  return { retryAfterMs, limit, remaining, fullAfterMs };
}

function notOurs(): SluiceError {
  return new SluiceError("Cannot answer about a rate: the question is malformed");
}

/** FNV-1a over the text's code units, 32 bit. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3 over both. */
function mixed(hash: number, worker: number): number {
  let h = hash ^ Math.imul(worker, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
