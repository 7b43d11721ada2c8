/**
 * The buckets of all accounts: in memory here, elsewhere where several gateways have to agree.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { type Rate, taken, tokens, waitMs } from "./token_bucket.ts";

/** What came of asking for a token. */
export interface Allowance {
  /** When a call would be admitted, ms from now; 0 where this one is. */
  readonly retryAfterMs: number;
  /** Of the rate that leaves least: calls at once. */
  readonly limit: number;
  /** Of the same: calls that would be admitted now. */
  readonly remaining: number;
  /** Of the same: when all of them would be, ms from now. */
  readonly fullAfterMs: number;
}

/** Where buckets are kept. One that is shared by several gateways answers later. */
export interface RateStore {
  /**
   * Takes a token from each of an account's buckets, or from none.
   *
   * @param rates one for each bucket; the first is the same for all accounts
   */
  take(account: string, rates: readonly Rate[]): Allowance | Promise<Allowance>;
}

/** The buckets of one account. */
interface Buckets {
  /** When each is full again, monotonic ms. */
  fullAtMs: number[];
  /** Whether it was used since it was last considered for being forgotten. */
  isUsed: boolean;
}

/** Accounts that are looked at, to find one that has not been used lately. */
const CHANCES = 8;
/** Accounts that are looked at for each new one, to find those that need no memory any more. */
const SWEPT = 2;

/**
 * Buckets of this process. Full ones are forgotten: a new bucket is full, too. When there is no room, one
 * that was not used lately is, which gives its account no more than a burst, and needs more clients than there
 * are buckets.
 */
export class MemoryRateStore implements RateStore {
  readonly #accountsMax: number;
  readonly #nowMs: () => number;
  readonly #accounts = new Map<string, Buckets>();

  /**
   * @param accountsMax accounts that are remembered; each takes about 200 bytes
   * @param nowMs monotonic ms
   */
  constructor(accountsMax: number, nowMs: () => number = monotonicMs) {
    this.#accountsMax = accountsMax;
    this.#nowMs = nowMs;
  }

  /** Accounts remembered now. */
  get size(): number {
    return this.#accounts.size;
  }

  take(account: string, rates: readonly Rate[]): Allowance {
    const nowMs = this.#nowMs();
    let buckets = this.#accounts.get(account);
    if (buckets === undefined) {
      buckets = { fullAtMs: [], isUsed: false };
      this.#add(account, buckets, nowMs);
    } else buckets.isUsed = true;
    const { fullAtMs } = buckets;
    let retryAfterMs = 0;
    for (let i = 0; i < rates.length; i++) {
      const ms = waitMs(rates[i], fullAtMs[i] ?? 0, nowMs);
      if (ms > retryAfterMs) retryAfterMs = ms;
    }
    let tightest = 0, remaining = Infinity;
    for (let i = 0; i < rates.length; i++) {
      if (retryAfterMs === 0) fullAtMs[i] = taken(rates[i], fullAtMs[i] ?? 0, nowMs);
      const left = tokens(rates[i], fullAtMs[i] ?? 0, nowMs);
      if (left >= remaining) continue;
      remaining = left;
      tightest = i;
    }
    const fullAfterMs = Math.max(0, (fullAtMs[tightest] ?? 0) - nowMs);
    return { retryAfterMs, limit: rates[tightest].burst, remaining, fullAfterMs };
  }

  #add(account: string, buckets: Buckets, nowMs: number): void {
    this.#forgetFull(nowMs);
    if (this.#accounts.size >= this.#accountsMax) this.#forgetOne();
    this.#accounts.set(account, buckets);
  }

  #forgetFull(nowMs: number): void {
    let looked = 0;
    for (const [account, { fullAtMs }] of this.#accounts) {
      if (++looked > SWEPT) return;
      if (fullAtMs.every((ms) => ms <= nowMs)) this.#accounts.delete(account);
    }
  }

  /** The second-chance form of "least recently used": a hit costs one field instead of two changes of the map. */
  #forgetOne(): void {
    let looked = 0;
    for (const [account, buckets] of this.#accounts) {
      this.#accounts.delete(account);
      if (!buckets.isUsed || ++looked > CHANCES) return;
      buckets.isUsed = false;
      this.#accounts.set(account, buckets);
    }
  }
}
