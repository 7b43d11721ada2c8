/**
 * Many connections to a server, or many processes of it, that behave like one upstream. A strategy places
 * calls; what belongs to the state of a session goes to the session's home, a member found by consistent hashing.
 *
 * @module
 */
import { withoutAsker } from "../../core/asker_name.ts";
import { monotonicMs } from "../../core/clock.ts";
import { type GatewayError, reasonOf } from "../../core/errors.ts";
import type { Call, Session } from "../../core/handler.ts";
import { DIAL_MS } from "../../core/limits.ts";
import type { Message } from "../../core/message.ts";
import type { Upstream } from "../../core/upstream.ts";
import { STRATEGIES } from "../balancers/strategies.ts";
import type { Strategy } from "../balancers/strategy.ts";
import { cancelled, isLeftAlone, isUnsent, isUnsentAnswer, unavailable } from "../unsent.ts";
import { CheckoutLine, type Refusal } from "./checkout_line.ts";
import { Continuations } from "./continuations.ts";
import type { Member } from "./member.ts";
import type { MakeMember, PoolClock, PoolEvents, PoolOptions } from "./pool_options.ts";
import { overloaded, retryAfterMsOf, unhealthy } from "./refusals.ts";
import { Roster } from "./roster.ts";
import { type Route, routeOf } from "./routes.ts";
import type { Seat } from "./seat.ts";
import { Seats } from "./seats.ts";
import { verdictOnAnswer, verdictOnFailure } from "./verdict.ts";

const SYSTEM: PoolClock = { now: monotonicMs, wallMs: Date.now, random: Math.random };

/** A message that has to be placed. */
interface Task {
  readonly call: Call;
  /** Of a client with a session. */
  readonly seat: Seat | undefined;
  readonly route: Route;
  /** Until when it may wait for a member, ms of the pool's clock. */
  readonly dueMs: number;
}

/** See the module. Dispose it to end all members; calls under way fail. */
export class Pool implements Upstream {
  readonly name: string;
  readonly #options: PoolOptions;
  readonly #clock: PoolClock;
  readonly #strategy: Strategy;
  readonly #roster: Roster;
  readonly #seats: Seats;
  readonly #line: CheckoutLine;
  readonly #continuations = new Continuations();
  /** Those that wait until the pool can be used. */
  #preparing: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  /** @param make makes a member of the pool for a place; places are numbered from 0 and used again */
  constructor(
    name: string,
    options: PoolOptions,
    make: MakeMember,
    events: PoolEvents,
    clock: PoolClock = SYSTEM,
  ) {
    this.name = name;
    this.#options = options;
    this.#clock = clock;
    this.#strategy = STRATEGIES[options.strategy](clock);
    const { now } = clock;
    this.#line = new CheckoutLine({ waitingMax: options.queue, now, refusal: this.#refusal });
    this.#roster = new Roster(options, make, events, clock, {
      onRoom: () => this.#onRoom(),
      onLeft: (member) => this.#onLeft(member),
      waiting: () => this.#line.size,
      isNeeded: () => this.#isNeeded,
      canStop: (member) => this.#seats.canSpare(member),
    });
    this.#seats = new Seats({
      homeOf: (key) => this.#roster.homeOf(key),
      failed: (member, error) => this.#lost(member, error),
    }, options.affinity === "session");
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    try {
      if (this.#isClosed) throw this.#unreachable("it is closed");
      this.#roster.wake();
      const seat = this.#seats.of(call.session);
      if (call.message.kind !== "request") return this.#tell(call, seat);
      const route = routeOf(call.message, seat?.isBound ?? false);
      return this.#place({ call, seat, route, dueMs: this.#dueMs() });
    } catch (error) {
      return Promise.reject(error);
    }
  };

  /** Resolves when there is a member; rejects when all have failed. */
  prepare(_session?: Session): Promise<void> {
    this.#roster.wake();
    if (this.#roster.isReady) return Promise.resolve();
    this.#preparing ??= Promise.withResolvers();
    return this.#preparing.promise;
  }

  load(): number {
    return this.#roster.pending + this.#line.size;
  }

  ready(): boolean {
    return !this.#isClosed && this.#roster.trouble === undefined;
  }

  drain(): void {
    this.#roster.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = this.#unreachable("it is closed");
    this.#line.refuseAll(closed);
    this.#prepared((preparing) => preparing.reject(closed));
    this.#seats[Symbol.dispose]();
    await this.#roster[Symbol.asyncDispose]();
  }

  get #isNeeded(): boolean {
    return this.#line.size > 0 || this.#preparing !== undefined || this.#seats.areHomeless;
  }

  /** Calls need not hurry while the pool starts for the first time. */
  #dueMs(): number {
    const { isStarting, trouble } = this.#roster;
    const waitMs = isStarting && trouble === undefined ? DIAL_MS : this.#options.checkoutMs;
    return this.#clock.now() + waitMs;
  }

  /** Notifications of the client. */
  async #tell(call: Call, seat: Seat | undefined): Promise<undefined> {
    const { message } = call;
    if (seat === undefined) return; // cancellations come by the call's signal
    if (message.method === "notifications/cancelled") return void await seat.cancel(call);
    const asker = message.progressToken && withoutAsker(message.progressToken);
    if (asker !== undefined) {
      const member = this.#roster.at(asker.member);
      if (member === undefined) return; // the one that asked has gone
      return void await seat.handle(member, call, message.withProgressToken(asker.raw));
    }
    await this.#place({ call, seat, route: "state", dueMs: this.#dueMs() });
  }

  /** Hands a message to a member, now or when there is one for it. */
  #place(task: Task): Promise<Message | undefined> {
    const member = this.#choose(task);
    if (member !== undefined) return this.#run(member, task);
    const { promise, resolve, reject } = Promise.withResolvers<Message | undefined>();
    const { call, seat, route, dueMs } = task;
    if (this.#clock.now() + this.#roster.restMs > dueMs) throw this.#refusal("due");
    const place = () => {
      const member = this.#choose(task);
      return member && (() => resolve(this.#run(member, task)));
    };
    const bound = route === "any" ? undefined : seat ?? call;
    this.#line.join({ place, refuse: reject, bound, dueMs, signal: call.signal });
    this.#roster.grow();
    return promise;
  }

  #choose({ call, seat, route }: Task): Member | undefined {
    if (route === "any") {
      const continued = this.#continuations.find(call.message);
      return continued ?? this.#strategy.pick(this.#roster.free, call);
    }
    const home = seat === undefined ? this.#roster.homeOf(call.session.id) : this.#seats.home(seat);
    if (home === undefined || !home.ready()) return undefined;
    return route === "state" || home.hasRoom ? home : undefined;
  }

  /** What no member can have seen is placed anew as long as there is time. */
  async #run(member: Member, task: Task): Promise<Message | undefined> {
    try {
      const answer =
        await (task.route === "state" ? this.#runOther(member, task) : this.#runCall(member, task));
      if (answer === undefined || !isUnsentAnswer(answer) || !this.#isWanted(task)) return answer;
    } catch (error) {
      if (!isUnsent(error) && !isLeftAlone(error) || !this.#isWanted(task)) throw error;
    }
    return await this.#place(task);
  }

  #isWanted({ call, dueMs }: Task): boolean {
    return !this.#isClosed && this.#clock.now() < dueMs && !call.signal.aborted;
  }

  async #runCall(member: Member, task: Task): Promise<Message | undefined> {
    const { call } = task;
    const startMs = this.#clock.now();
    const ticket = this.#strategy.sent?.(member, call) ?? 0;
    this.#roster.begin(member);
    let failed: boolean | undefined;
    try {
      const answer = await this.#send(member, task);
      const verdict = verdictOnAnswer(answer);
      failed = verdict === "neutral" ? undefined : verdict !== "answered";
      if (answer !== undefined) this.#continuations.note(call.message, answer, member);
      return answer;
    } catch (error) {
      const verdict = call.signal.aborted ? "neutral" : verdictOnFailure(error);
      failed = verdict === "neutral" ? undefined : true;
      throw error;
    } finally {
      const tookMs = this.#clock.now() - startMs;
      this.#strategy.ended?.(ticket, tookMs, failed !== false);
      this.#roster.end(member, tookMs, failed);
      this.#line.offer();
    }
  }

  async #runOther(member: Member, task: Task): Promise<Message | undefined> {
    member.beginOther();
    try {
      return await this.#send(member, task);
    } finally {
      this.#roster.endOther(member);
    }
  }

  /** Takes a member out that turns out to be lost. */
  async #send(member: Member, { call, seat }: Task): Promise<Message | undefined> {
    try {
      const answer = await (seat === undefined ? member.handle(call) : seat.handle(member, call));
      if (verdictOnAnswer(answer) === "lost") this.#lost(member, "it cannot be reached");
      return answer;
    } catch (error) {
      if (verdictOnFailure(error) === "lost") this.#lost(member, error);
      throw error;
    }
  }

  #lost(member: Member, error: unknown): void {
    if (!this.#isClosed) this.#roster.failed(member, reasonOf(error), retryAfterMsOf(error));
  }

  #onRoom(): void {
    this.#prepared((preparing) => preparing.resolve());
    this.#seats.settle();
    this.#line.offer();
  }

  #onLeft(member: Member): void {
    this.#continuations.forget(member);
    this.#seats.evict(member);
    const { trouble, restMs } = this.#roster;
    if (trouble !== undefined && !this.#roster.isStarting) {
      const refusal = unhealthy(this.name, trouble, restMs);
      this.#prepared((preparing) => preparing.reject(refusal));
      if (restMs > this.#options.checkoutMs) this.#line.refuseAll(refusal);
    }
    this.#line.offer(); // some wait for a home, which is another now
  }

  #prepared(settle: (preparing: PromiseWithResolvers<void>) => void): void {
    const preparing = this.#preparing;
    this.#preparing = undefined;
    if (preparing !== undefined) settle(preparing);
  }

  readonly #refusal = (why: Refusal): GatewayError => {
    if (why === "cancelled") return cancelled();
    const { trouble, restMs } = this.#roster;
    if (trouble !== undefined) return unhealthy(this.name, trouble, restMs);
    const { checkoutMs, queue } = this.#options;
    const reason = why === "full"
      ? `${queue} calls wait already`
      : `no member was free for ${checkoutMs} ms`;
    return overloaded(this.name, reason);
  };

  #unreachable(reason: string): GatewayError {
    return unavailable(this.name, reason, "not_sent");
  }
}
