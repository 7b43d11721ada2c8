/**
 * What one generator has counted.
 *
 * @module
 */
import process from "node:process";
import { Latencies } from "./latencies.ts";

/** One second of a run. */
export interface Second {
  /** Its end since the measured time began, s; -1 in the warm-up. */
  readonly at: number;
  /** How long it really was, ms. */
  readonly ms: number;
  readonly answered: number;
  readonly errors: number;
  /** Latencies of this second, encoded. */
  readonly calls: string;
}

/** A tally on its way to whoever adds them up. */
export interface TallyReport {
  readonly answered: number;
  readonly measuredMs: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly crossed: number;
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
  /** Whether answers carried nonces; `undefined` where the questions have none. */
  readonly noncesChecked?: boolean;
  /** Answers that slow readers got; they are in no other figure. */
  readonly slowAnswered: number;
  readonly batches: number;
  readonly messagesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly notifications: number;
  /** Connections that stood when the load began. */
  readonly connected: number;
  readonly capacityPerSecond?: number;
  /** Encoded. */
  readonly calls: string;
  readonly connects: string;
  readonly reconnects: string;
  readonly lags: string;
  readonly seconds: readonly Second[];
  /** Processor time of the generator while it measured, ms. */
  readonly cpuMs: number;
}

/** Counts. Latencies count calls that were intended in the measured time; the rate counts answers within it. */
export class Tally {
  readonly calls = new Latencies();
  readonly connects = new Latencies();
  readonly reconnects = new Latencies();
  /** How late the generator itself was, in an open loop. */
  readonly lags = new Latencies();
  readonly errors = new Map<string, number>();
  readonly #second = new Latencies();
  readonly #seconds: Second[] = [];
  answered = 0;
  crossed = 0;
  lost = 0;
  repeated = 0;
  late = 0;
  slowAnswered = 0;
  batches = 0;
  messagesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  notifications = 0;
  connected = 0;
  capacityPerSecond: number | undefined;
  #beginMs = Infinity;
  #endMs = Infinity;
  #secondAnswered = 0;
  #secondErrors = 0;
  #tickMs = performance.now();
  #cpuBegin = 0;
  #cpuMs = 0;

  /** Whether a moment lies in the measured time. */
  isMeasured(nowMs: number): boolean {
    return nowMs >= this.#beginMs && nowMs < this.#endMs;
  }

  /**
   * Begins to measure; everything before was warm-up, except errors of integrity, which always count.
   *
   * @param connectsToo whether connecting is what is measured
   */
  begin(nowMs: number, connectsToo = false): void {
    if (connectsToo) this.connects.reset();
    this.#beginMs = nowMs;
    this.answered =
      this.batches =
      this.messagesReceived =
      this.bytesSent =
      this.bytesReceived =
        0;
    this.slowAnswered = 0;
    this.calls.reset();
    this.lags.reset();
    this.errors.clear();
    this.#newSecond(nowMs);
    this.#cpuBegin = ownCpuMs();
  }

  /** Ends measuring; answers to calls of the measured time may still come. */
  end(nowMs: number): void {
    this.#endMs = nowMs;
    this.#cpuMs = ownCpuMs() - this.#cpuBegin;
  }

  /** An answer came. */
  answer(intendedMs: number, nowMs: number): void {
    const ms = nowMs - intendedMs;
    if (this.isMeasured(intendedMs)) this.calls.record(ms);
    if (nowMs < this.#endMs) {
      this.answered++;
      this.#secondAnswered++;
      this.#second.record(ms);
    }
  }

  /** Something went wrong, `kind` says what in a word or two. */
  error(kind: string, count = 1): void {
    if (count === 0) return;
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + count);
    this.#secondErrors += count;
  }

  /** Closes a second. */
  tick(nowMs: number): Second {
    const isMeasured = this.#tickMs >= this.#beginMs;
    const second: Second = {
      at: isMeasured ? Math.round((nowMs - this.#beginMs) / 1000) : -1,
      ms: nowMs - this.#tickMs,
      answered: this.#secondAnswered,
      errors: this.#secondErrors,
      calls: this.#second.encode(),
    };
    if (isMeasured && nowMs <= this.#endMs) this.#seconds.push(second);
    this.#newSecond(nowMs);
    return second;
  }

  /** For whoever adds tallies up. */
  report(nowMs: number, noncesChecked: boolean | undefined): TallyReport {
    const { answered, crossed, lost, repeated, late, batches, messagesReceived, slowAnswered } =
      this;
    const { bytesSent, bytesReceived, notifications, connected, capacityPerSecond } = this;
    return {
      ...{ answered, crossed, lost, repeated, late, batches, messagesReceived, slowAnswered },
      ...{ bytesSent, bytesReceived, notifications, connected },
      ...capacityPerSecond === undefined ? {} : { capacityPerSecond },
      ...noncesChecked === undefined ? {} : { noncesChecked },
      measuredMs: Math.min(nowMs, this.#endMs) - this.#beginMs,
      errors: Object.fromEntries(this.errors),
      calls: this.calls.encode(),
      connects: this.connects.encode(),
      reconnects: this.reconnects.encode(),
      lags: this.lags.encode(),
      seconds: this.#seconds,
      cpuMs: this.#cpuMs,
    };
  }

  #newSecond(nowMs: number): void {
    this.#second.reset();
    this.#secondAnswered = this.#secondErrors = 0;
    this.#tickMs = nowMs;
  }
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
