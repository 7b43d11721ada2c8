/**
 * A member of a pool, from its start to its end.
 *
 * @module
 */
import type { Call, Handler } from "../../core/handler.ts";
import type { Upstream } from "../../core/upstream.ts";
import type { Rated } from "../balancers/strategy.ts";
import { MemberStats } from "./member_stats.ts";
import type { MemberState, PoolEvents, PoolMember } from "./pool_options.ts";

/** One server process or connection, and how it does. */
export class Member implements Upstream, Rated {
  readonly #upstream: PoolMember;
  readonly #events: PoolEvents;
  readonly #callsMax: number;
  readonly #now: () => number;
  #state: MemberState = "starting";
  #stats: MemberStats;
  /** What is open besides calls: listen streams, messages that belong to the state of a session. */
  #others = 0;
  /** Whether it stands in the roster's list of those with room. */
  isListed = false;

  constructor(
    upstream: PoolMember,
    index: number,
    callsMax: number,
    events: PoolEvents,
    now: () => number,
  ) {
    this.#upstream = upstream;
    this.#events = events;
    this.#callsMax = callsMax;
    this.#now = now;
    this.#stats = new MemberStats(index, now());
    events.moved(undefined, "starting");
  }

  get name(): string {
    return this.#upstream.name;
  }

  get index(): number {
    return this.#stats.index;
  }

  get stats(): MemberStats {
    return this.#stats;
  }

  get state(): MemberState {
    return this.#state;
  }

  readonly handle: Handler = (call: Call) => this.#upstream.handle(call);

  /** Calls in flight. */
  load(): number {
    return this.#stats.pending;
  }

  ready(): boolean {
    return this.#state === "idle" || this.#state === "busy";
  }

  /** Whether it may be given one more call. */
  get hasRoom(): boolean {
    return this.ready() && this.#stats.pending < this.#callsNow;
  }

  /** How long it is to be left alone, ms; `undefined` while its breaker lets calls through. */
  get leftAloneMs(): number | undefined {
    const { circuit } = this.#upstream;
    return circuit?.state === "open" ? circuit.retryAfterMs : undefined;
  }

  /** While it has to show that it does well again, one call at a time. */
  get #callsNow(): number {
    const { circuit } = this.#upstream;
    return circuit === undefined || circuit.state === "closed" ? this.#callsMax : 1;
  }

  /** Whether nothing at all is open. */
  get isUnused(): boolean {
    return this.#stats.pending === 0 && this.#others === 0;
  }

  /** Connects it; rejects when that fails. */
  async connect(): Promise<void> {
    await this.#upstream.prepare?.();
  }

  /** From now on it is given calls. */
  open(): void {
    this.#stats = new MemberStats(this.index, this.#now());
    this.#move("idle");
  }

  /** A call is handed over. */
  begin(): void {
    this.#stats.begin();
    if (this.#state === "idle") this.#move("busy");
  }

  /** A call has ended: `failed` is `undefined` where that says nothing of the member. */
  end(latencyMs: number, failed: boolean | undefined): void {
    if (failed === undefined) this.#stats.leave(this.#now());
    else this.#stats.end(latencyMs, failed, this.#now());
    if (this.#stats.pending === 0 && this.#state === "busy") this.#move("idle");
  }

  /** Something that is no call is handed over. */
  beginOther(): void {
    this.#others++;
  }

  /** It has ended. */
  endOther(): void {
    this.#others--;
    this.#stats.touch(this.#now());
  }

  /** From now on it gets no more calls. */
  leave(): void {
    this.#move("leaving");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.moved(this.#state, undefined);
    this.#state = "leaving"; // calls that end from now on change nothing
    await this.#upstream[Symbol.asyncDispose]();
  }

  #move(to: MemberState): void {
    this.#events.moved(this.#state, to);
    this.#state = to;
  }
}
