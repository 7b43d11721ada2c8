/**
 * The members of a pool: started, taken out when they fail and started anew, stopped when there are too many.
 *
 * @module
 */
import { reasonOf } from "../../core/errors.ts";
import { Backoff } from "../backoff.ts";
import { HashRing } from "./hash_ring.ts";
import { Member } from "./member.ts";
import type {
  MakeMember,
  MemberState,
  PoolClock,
  PoolEvents,
  PoolOptions,
} from "./pool_options.ts";
import { poolSize } from "./pool_size.ts";

/** Waits between tries to start a member. */
const BACKOFF = { firstMs: 100, maxMs: 10_000 };
/** How often the size is looked at, ms; and the time whose highest utilisation decides whether members are stopped. */
const SIZING_MS = 30_000;
/** Calls that a member is reckoned to be used up by where it takes any number. */
const CALLS_PER_MEMBER = 10;

/** A place for a member. */
interface Place {
  readonly index: number;
  readonly backoff: Backoff;
  member: Member | undefined;
  /** While it waits to be started anew. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether that time is over. */
  isDue: boolean;
}

/** What a roster and its pool tell each other. */
export interface RosterListener {
  /** A member has started: there is room. */
  onRoom(): void;
  /** A member gets no more calls: sessions must not count on it. */
  onLeft(member: Member): void;
  /** Calls that wait for a member. */
  waiting(): number;
  /** Whether anything waits for a member. */
  isNeeded(): boolean;
  /** Whether no session would lose what only this member knows. */
  canStop(member: Member): boolean;
}

/** See the module. Dispose it to end all members. */
export class Roster implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #make: MakeMember;
  readonly #events: PoolEvents;
  readonly #clock: PoolClock;
  readonly #listener: RosterListener;
  readonly #places = new Map<number, Place>();
  readonly #ring = new HashRing();
  /** Members that have room. Kept up to date, so that no call has to look for them. */
  readonly #free: Member[] = [];
  /** Members without a place that finish their calls. */
  readonly #leaving = new Set<Member>();
  readonly #ending = new Set<Promise<unknown>>();
  #pending = 0;
  /** Places whose members can be started anew. */
  #due = 0;
  /** Highest utilisation since the size was looked at. */
  #peak = 0;
  #sizing: ReturnType<typeof setInterval> | undefined;
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
    return this.#free;
  }

  /** Whether a member can be given calls, now or when it has room. */
  get isReady(): boolean {
    return this.#free.length > 0 || this.#has("busy");
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

  /** Starts what has to stand, and what has waited long enough after a failure. */
  wake(): void {
    if (this.#places.size < this.#options.min && !this.#isClosed) this.#addUpTo(this.#options.min);
    if (this.#due === 0) return;
    for (const place of this.#places.values()) if (place.isDue) this.#start(place);
  }

  /** Adds members where the use of those there are calls for it. */
  grow(): void {
    const size = this.#places.size;
    if (size >= this.#options.max || this.#isClosed) return;
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
    if (!member.hasRoom) this.#removeFree(member);
    this.grow();
    this.#peak = Math.max(this.#peak, this.#utilisation());
  }

  /** A member has ended a call; see {@link Member.end}. */
  end(member: Member, latencyMs: number, failed: boolean | undefined): void {
    const hadRoom = member.hasRoom;
    this.#pending--;
    member.end(latencyMs, failed);
    if (failed === false) this.#places.get(member.index)?.backoff.succeeded();
    if (member.state === "leaving") this.#endIfUnused(member);
    else if (!hadRoom && member.hasRoom) this.#free.push(member);
  }

  /** A member has lost its server: another takes its place. */
  failed(member: Member, reason: string): void {
    const place = this.#places.get(member.index);
    if (place?.member !== member || this.#isClosed) return;
    this.#lastFailure = reason;
    this.#takeOut(place, member);
    this.#rest(place, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sizing);
    for (const place of this.#places.values()) {
      clearTimeout(place.timer);
      if (place.member === undefined) this.#events.moved("failed", undefined);
      else this.#end(place.member);
    }
    for (const member of this.#leaving) this.#end(member);
    this.#leaving.clear();
    this.#places.clear();
    this.#free.length = 0;
    await Promise.all(this.#ending);
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
      const backoff = new Backoff(BACKOFF, this.#clock.random);
      const place = { index, backoff, member: undefined, timer: undefined, isDue: false };
      this.#places.set(index, place);
      this.#start(place);
    }
  }

  #start(place: Place): void {
    const { callsPerMember } = this.#options;
    if (place.isDue) this.#due--, this.#events.moved("failed", undefined);
    place.isDue = false;
    const upstream = this.#make(place.index);
    const member = new Member(upstream, place.index, callsPerMember, this.#events, this.#clock.now);
    upstream.onFailed = (reason) => this.failed(member, reason);
    if (!this.isReady) this.#ring.add(place.index); // the first to start must not be everybody's home
    place.member = member;
    this.#await(
      member.connect().then(
        () => this.#started(place, member),
        (error) => this.failed(member, reasonOf(error)),
      ),
    );
  }

  #started(place: Place, member: Member): void {
    if (place.member !== member || this.#isClosed) return;
    member.open();
    this.#ring.add(place.index);
    this.#free.push(member);
    this.#listener.onRoom();
  }

  #takeOut(place: Place, member: Member): void {
    place.member = undefined;
    this.#ring.delete(place.index);
    this.#removeFree(member);
    member.leave();
    this.#leaving.add(member);
    this.#endIfUnused(member);
    this.#listener.onLeft(member);
  }

  /** Has a place wait for its next try, which is made when there is need. */
  #rest(place: Place, reason: string): void {
    this.#events.failed(place.index, reason);
    this.#events.moved(undefined, "failed");
    place.backoff.failed();
    place.timer = setTimeout(() => {
      place.isDue = true;
      this.#due++;
      if (this.#listener.isNeeded()) this.wake();
    }, place.backoff.delayMs);
  }

  /** Stops what was not needed at any time since the last look, and what has been idle for long: the last first. */
  readonly #shrink = (): void => {
    const { min, idleMs } = this.#options;
    const size = this.#places.size, nowMs = this.#clock.now();
    let surplus = size - poolSize(size, this.#peak, this.#options);
    this.#peak = this.#utilisation();
    const last = [...this.#places.values()].sort((a, b) => b.index - a.index);
    for (const place of last) {
      const { member } = place;
      if (this.#places.size <= min) break;
      if (member?.state !== "idle" || !member.isUnused || !this.#listener.canStop(member)) continue;
      if (surplus-- <= 0 && nowMs - member.stats.lastMs < idleMs) continue;
      this.#places.delete(place.index);
      this.#takeOut(place, member);
    }
    if (this.#places.size > min) return;
    clearInterval(this.#sizing);
    this.#sizing = undefined;
  };

  #removeFree(member: Member): void {
    const at = this.#free.indexOf(member);
    if (at < 0) return;
    this.#free[at] = this.#free[this.#free.length - 1];
    this.#free.pop();
  }

  #endIfUnused(member: Member): void {
    if (member.load() === 0 && this.#leaving.delete(member)) this.#end(member);
  }

  #end(member: Member): void {
    this.#await(
      member[Symbol.asyncDispose]().catch((error) =>
        this.#events.failed(member.index, reasonOf(error))
      ),
    );
  }

  #await(what: Promise<unknown>): void {
    const kept = what.finally(() => this.#ending.delete(kept));
    this.#ending.add(kept);
  }
}
