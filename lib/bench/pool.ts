/**
 * The connections of a generator: opened a few at a time, and opened again when they are lost.
 *
 * @module
 */
import { TransportError } from "../core/errors.ts";
import { Caller, type Work } from "./caller.ts";
import { pause } from "./pause.ts";

/** Connections that are being opened at once: more overflow the backlog of common listeners. */
const OPENING_MAX = 64;
/** A lost connection is tried again after so long, ms. */
const RETRY_MS = 100;
/** Connecting takes no longer, ms. */
const CONNECT_MS = 30_000;

/** Opens, keeps and closes connections. Dispose it to close them all. */
export class Pool implements AsyncDisposable {
  /** Called for each connection that stands, also one that replaces a lost one. */
  onOpen: (caller: Caller) => void = () => {};
  readonly #work: Work;
  readonly #signal: AbortSignal;
  readonly #callers: (Caller | undefined)[] = [];
  readonly #watching: Promise<void>[] = [];
  #isClosing = false;

  constructor(work: Work, signal: AbortSignal) {
    this.#work = work;
    this.#signal = signal;
  }

  /** Connections that stand. */
  get callers(): Caller[] {
    return this.#callers.filter((caller) => caller !== undefined && caller.isAlive) as Caller[];
  }

  /** Calls without an answer, of all connections. */
  get openCount(): number {
    return this.callers.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  /**
   * Opens all connections of the plan. Some may fail: they are counted.
   *
   * @throws {TransportError} when none can be opened
   */
  async open(): Promise<void> {
    const { connections } = this.#work.plan;
    let next = 0;
    let failure: unknown;
    const opener = async () => {
      while (next < connections && !this.#signal.aborted) {
        const slot = next++;
        try {
          this.#keep(slot, await this.connect(slot));
        } catch (error) {
          failure = error;
          if (this.callers.length === 0) next = connections; // the first one says it all
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(OPENING_MAX, connections) }, opener));
    const stand = this.#work.tally.connected = this.callers.length;
    if (stand === 0) throw failure ?? new TransportError("Cannot connect: the bench was stopped");
  }

  /** Opens one connection, and counts how long that took. @throws {TransportError} when it fails; that is counted */
  async connect(slot: number): Promise<Caller> {
    const { tally, plan } = this.#work;
    const beginMs = performance.now();
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CONNECT_MS)]);
    try {
      const caller = await Caller.open(this.#work, plan.firstConnection + slot, signal);
      tally.connects.record(performance.now() - beginMs);
      return caller;
    } catch (error) {
      if (!this.#signal.aborted) tally.error("connect failed");
      throw error;
    }
  }

  /** Gives up calls without an answer of before a time. */
  expire(beforeMs: number, nowMs: number): void {
    for (const caller of this.callers) caller.expire(beforeMs, nowMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#callers.map((caller) => caller?.[Symbol.asyncDispose]()));
    await Promise.all(this.#watching);
  }

  #keep(slot: number, caller: Caller): void {
    this.#callers[slot] = caller;
    this.#watching.push(this.#watch(slot, caller));
    this.onOpen(caller);
  }

  /** Opens it again when it is lost, until that succeeds or the run is over. */
  async #watch(slot: number, caller: Caller): Promise<void> {
    await caller.ended;
    if (this.#isClosing) return;
    this.#callers[slot] = undefined;
    await caller[Symbol.asyncDispose]();
    const lostMs = performance.now();
    while (!this.#isClosing && !this.#signal.aborted) {
      try {
        const next = await this.connect(slot);
        this.#work.tally.reconnects.record(performance.now() - lostMs);
        if (this.#isClosing) return await next[Symbol.asyncDispose]();
        return this.#keep(slot, next);
      } catch {
        await pause(RETRY_MS, this.#signal); // the failure is counted
      }
    }
  }
}
