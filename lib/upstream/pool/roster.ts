/**
 * The members of a pool: started, taken out when they fail and started anew, stopped when there are too many.
 *
 * @module
 */
import { reasonOf } from "../../core/errors.ts";
import { Departures } from "./departures.ts";
import { FreeList } from "./free_list.ts";
import { HashRing } from "./hash_ring.ts";
import { Member } from "./member.ts";
import type {
  MakeMember,
  MemberState,
  PoolClock,
  PoolEvents,
  PoolOptions,
} from "./pool_options.ts";
import { Place } from "./place.ts";
import { poolSize } from "./pool_size.ts";
import { retryAfterMsOf } from "./refusals.ts";
import type { RosterListener } from "./roster_listener.ts";

/** How often the size is looked at, ms; and the time whose highest utilisation decides whether members are stopped. */
const SIZING_MS = 30_000;
/** Calls that a member is reckoned to be used up by where it takes any number. */
const CALLS_PER_MEMBER = 10;

/** See the module. Dispose it to end all members. */
export class Roster implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #make: MakeMember;
  readonly #events: PoolEvents;
  readonly #clock: PoolClock;
  readonly #listener: RosterListener;
  readonly #places = new Map<number, Place>();
  readonly #ring = new HashRing();
  readonly #free = new FreeList();
  readonly #departures = new Departures((member, error) =>
    this.#events.failed(member.index, reasonOf(error))
  );
  #pending = 0;
  /** Places whose members can be started anew. */
  #due = 0;
  /** Highest utilisation since the size was looked at. */
  #peak = 0;
  #sizing: ReturnType<typeof setInterval> | undefined;
  #isDraining = false;
  #isClosed = false;
  #lastFailure: string | undefined;

  constructor(
    options: PoolOptions,
    make: MakeMember,
    events: PoolEvents,
    clock: PoolClock,
    listener: RosterListener,
  ) {
    this.#options = options;
    this.#make = make;
    this.#events = events;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Members with room, in no order. Not to be kept. */
  get free(): readonly Member[] {
    return this.#free.members;
  }

  /** Whether a member can be given calls, now or when it has room. */
  get isReady(): boolean {
    return this.#free.members.length > 0 || this.#has("busy");
  }

  /** Calls that members have. */
  get pending(): number {
    return this.#pending;
  }

  /** Why the last member failed; `undefined` as long as one can be given calls, or none has failed. */
  get trouble(): string | undefined {
    return this.isReady ? undefined : this.#lastFailure;
  }

  /** Whether no member can be given calls yet, but one is starting. */
  get isStarting(): boolean {
    return !this.isReady && this.#has("starting");
  }

  /** How long until a member can be started, ms, where none can be given calls and none is starting; else 0. */
  get restMs(): number {
    if (this.isReady || this.isStarting || this.#places.size === 0) return 0;
    return Math.min(...[...this.#places.values()].map(({ waitMs }) => waitMs));
  }

  /** Starts what has to stand, and what has waited long enough after a failure. */
  wake(): void {
    const min = this.#isDraining ? 1 : this.#options.min;
    if (this.#places.size < min && !this.#isClosed) this.#addUpTo(min);
    if (this.#due === 0) return;
    for (const place of this.#places.values()) if (place.isDue) this.#start(place);
  }

  /** Adds members where the use of those there are calls for it. */
  grow(): void {
    const size = this.#places.size;
    if (size >= this.#options.max || this.#isClosed || this.#isDraining) return;
    const wanted = poolSize(size, this.#utilisation(), this.#options);
    if (wanted <= size || this.#has(undefined)) return; // a server that fails does not get more to fail
    this.#addUpTo(wanted);
    this.#sizing ??= setInterval(this.#shrink, SIZING_MS);
  }

  /** The member a key belongs to, ready or starting. */
  homeOf(key: string): Member | undefined {
    const index = this.#ring.find(key);
    return index === undefined ? undefined : this.at(index);
  }

  /** The member in a place. */
  at(index: number): Member | undefined {
    return this.#places.get(index)?.member;
  }

  /** A member gets a call. */
  begin(member: Member): void {
    this.#pending++;
    member.begin();
    this.#free.note(member);
    this.grow();
    this.#peak = Math.max(this.#peak, this.#utilisation());
  }

  /** A member has ended a call; see {@link Member.end}. */
  end(member: Member, latencyMs: number, failed: boolean | undefined): void {
    this.#pending--;
    member.end(latencyMs, failed);
    if (failed === false) this.#places.get(member.index)?.succeeded();
    const { leftAloneMs } = member;
    if (member.state === "leaving") this.#departures.callEnded(member);
    else if (leftAloneMs !== undefined) this.failed(member, "it fails too often", leftAloneMs);
    else this.#free.note(member);
    if (this.#isDraining) this.#giveBack();
  }

  /** The same for what is no call. */
  endOther(member: Member): void {
    member.endOther();
    if (this.#isDraining) this.#giveBack();
  }

  /**
   * A member has lost its server, or is to be left alone: after a while another takes its place.
   *
   * @param leastMs no sooner than this, ms
   */
  failed(member: Member, reason: string, leastMs = 0): void {
    const place = this.#places.get(member.index);
    if (place?.member !== member || this.#isClosed) return;
    this.#lastFailure = reason;
    this.#takeOut(place, member);
    this.#rest(place, reason, leastMs);
    this.#listener.onLeft(member);
  }

  /**
   * From now on members are given back: each that has nothing to do is ended, the last first, and none is added.
   * One stays until the end, for calls that were accepted before and are still on their way here.
   */
  drain(): void {
    this.#isDraining = true;
    this.#giveBack();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sizing);
    for (const place of this.#places.values()) {
      if (place.member === undefined) this.#drop(place);
      else this.#departures.end(place.member);
    }
    this.#places.clear();
    this.#free.clear();
    await this.#departures.endAll();
  }

  /** Part of the capacity in use, and more where calls wait. */
  #utilisation(): number {
    const { callsPerMember } = this.#options;
    const calls = this.#pending + this.#listener.waiting();
    const each = callsPerMember === Infinity ? CALLS_PER_MEMBER : callsPerMember;
    return calls / (each * Math.max(1, this.#places.size));
  }

  #has(state: MemberState | undefined): boolean {
    for (const { member } of this.#places.values()) if (member?.state === state) return true;
    return false;
  }

  #addUpTo(size: number): void {
    for (let index = 0; this.#places.size < size; index++) {
      if (this.#places.has(index)) continue;
      const place = new Place(index, this.#clock);
      this.#places.set(index, place);
      this.#start(place);
    }
  }

  #start(place: Place): void {
    const { callsPerMember } = this.#options;
    const upstream = this.#make(place.index);
    const member = new Member(upstream, place.index, callsPerMember, this.#events, this.#clock.now);
    upstream.onFailed = (reason) => this.failed(member, reason);
    if (!this.isReady) this.#ring.add(place.index); // the first to start must not be everybody's home
    if (place.take(member)) this.#due--, this.#events.moved("failed", undefined);
    this.#departures.await(
      member.connect().then(
        () => this.#started(place, member),
        (error) => this.failed(member, reasonOf(error), retryAfterMsOf(error)),
      ),
    );
  }

  #started(place: Place, member: Member): void {
    if (place.member !== member || this.#isClosed) return;
    member.open();
    this.#ring.add(place.index);
    this.#free.note(member);
    this.#listener.onRoom();
  }

  #takeOut(place: Place, member: Member): void {
    place.member = undefined;
    this.#ring.delete(place.index);
    this.#free.delete(member);
    this.#departures.add(member);
  }

  /** Has a place wait for its next try, which is made when there is need. */
  #rest(place: Place, reason: string, leastMs: number): void {
    this.#events.failed(place.index, reason);
    this.#events.moved(undefined, "failed");
    place.rest(leastMs, () => {
      this.#due++;
      if (this.#listener.isNeeded()) this.wake();
    });
  }

  #giveBack(): void {
    let ready = 0;
    for (const { member } of this.#places.values()) if (member?.ready()) ready++;
    for (const place of this.#lastFirst()) {
      const { member } = place;
      if (ready === 0 || this.#isClosed) return; // who starts or rests is all there is
      if (member === undefined) this.#drop(place);
      else if (member.isUnused && (ready > 1 || !member.ready())) {
        if (member.ready()) ready--;
        this.#stop(place, member);
      }
    }
  }

  /** Gives up a place that rests. */
  #drop(place: Place): void {
    if (place.isDue) this.#due--;
    place.close();
    this.#places.delete(place.index);
    this.#events.moved("failed", undefined);
  }

  /** Gives up a place and ends its member. */
  #stop(place: Place, member: Member): void {
    this.#places.delete(place.index);
    this.#takeOut(place, member);
    this.#listener.onLeft(member);
  }

  #lastFirst(): Place[] {
    return [...this.#places.values()].sort((a, b) => b.index - a.index);
  }

  /** Stops what was not needed at any time since the last look, and what has been idle for long: the last first. */
  readonly #shrink = (): void => {
    const { min, idleMs } = this.#options;
    const size = this.#places.size, nowMs = this.#clock.now();
    let surplus = size - poolSize(size, this.#peak, this.#options);
    this.#peak = this.#utilisation();
    for (const place of this.#lastFirst()) {
      const { member } = place;
      if (this.#places.size <= min) break;
      if (member?.state !== "idle" || !member.isUnused || !this.#listener.canStop(member)) continue;
      if (surplus-- <= 0 && nowMs - member.stats.lastMs < idleMs) continue;
      this.#stop(place, member);
    }
    if (this.#places.size > min) return;
    clearInterval(this.#sizing);
    this.#sizing = undefined;
  };
}
