/**
 * What the servers list for one client: asked all at once, waited for briefly. A server that comes late
 * is told of by a change of the list.
 *
 * @module
 */
import { GatewayError, reasonOf } from "../core/errors.ts";
import type { Catalogue } from "./catalogue.ts";
import {
  EMPTY_PART,
  fetchList,
  type ListKind,
  type ListMethod,
  type ListPart,
  LISTS,
} from "./lists.ts";
import type { Member } from "./member.ts";
import type { Seat } from "./seat.ts";
import { within } from "../core/waiting.ts";

/** Waited before a server that failed is asked again, ms; doubled while it keeps failing. */
const AGAIN_MS = 1_000;
const AGAIN_MS_MAX = 30_000;

/** What a listing needs of its client. */
export interface ListingHost {
  readonly seats: readonly Seat[];
  /** Whose lists may be shown to it from before; `undefined` before that is known. */
  readonly catalogueKey: string | undefined;
  /** Raw `_meta` of requests in its name. */
  readonly meta: Uint8Array | undefined;
  /** Whether anybody would be told of a change. */
  readonly isWatched: boolean;
  /** A list that the client has been given is not true any more. */
  changed(kind: ListKind): void;
  /** A server could not be asked. */
  failed(seat: Seat, method: ListMethod, reason: string): void;
}

/** Parts of one list, in the order of the servers; `undefined` for those that are left out. */
export type ListParts = ReadonlyMap<Member, ListPart | undefined>;

/** How asking a server ended: with its part, or without one. */
interface Outcome {
  readonly part: ListPart | undefined;
}

/** The lists of one client. Dispose it to stop asking. */
export class Listing implements Disposable {
  readonly #host: ListingHost;
  readonly #catalogue: Catalogue;
  readonly #fetches = new Map<string, Promise<Outcome>>();
  readonly #timers = new Map<Seat, ReturnType<typeof setTimeout>>();
  readonly #againMs = new WeakMap<Seat, number>();
  /** What was given out last, for the pages that follow. */
  readonly #given = new Map<ListMethod, ListParts>();
  #isEnded = false;

  constructor(host: ListingHost, catalogue: Catalogue) {
    this.#host = host;
    this.#catalogue = catalogue;
  }

  /** Asks every server; what does not come in time is known from before, or left out. */
  async take(method: ListMethod): Promise<ListParts> {
    const { seats } = this.#host;
    const taken = await Promise.all(seats.map((seat) => this.#takeFrom(seat, method)));
    const parts = new Map(seats.map((seat, index) => [seat.member, taken[index]]));
    this.#given.set(method, parts);
    if (seats !== this.#host.seats) this.#host.changed(LISTS[method].kind); // servers were exchanged meanwhile
    return parts;
  }

  /** What was given out last; nothing is asked. */
  given(method: ListMethod): ListParts | undefined {
    return this.#given.get(method);
  }

  /** Whether every server has been asked for a list that was given out. */
  isGiven(method: ListMethod): boolean {
    const given = this.#given.get(method);
    return given !== undefined && this.#host.seats.every(({ member }) => given.has(member));
  }

  /** What is known; nothing is asked. */
  known(method: ListMethod): ListParts {
    return new Map(this.#host.seats.map((seat) => [seat.member, this.#known(seat, method)]));
  }

  /** The servers have been exchanged: what was given out is not true any more. */
  exchanged(): void {
    for (const [seat, timer] of this.#timers) {
      if (this.#isSeated(seat)) continue;
      clearTimeout(timer);
      this.#timers.delete(seat);
    }
    for (const kind of new Set([...this.#given.keys()].map((method) => LISTS[method].kind))) {
      this.#host.changed(kind);
    }
  }

  /** Begins to ask, for a client that will soon want to know. */
  begin(method: ListMethod): void {
    for (const seat of this.#host.seats) void this.#fetch(seat, method);
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #takeFrom(seat: Seat, method: ListMethod): Promise<ListPart | undefined> {
    if (seat.has(LISTS[method].kind) === false) return EMPTY_PART;
    const isKnown = this.#known(seat, method) !== undefined;
    const halfMs = seat.waitMs(isKnown) / 2;
    const fetch = this.#fetch(seat, method);
    let outcome = await within(fetch, halfMs);
    if (outcome === undefined) {
      if (!isKnown) this.#missed(seat, method); // now: hosts may end the process once they have the list
      outcome = await within(fetch, halfMs);
    }
    if (outcome?.part !== undefined) return outcome.part;
    const given = outcome === undefined ? this.#known(seat, method) : undefined;
    seat.owed.set(method, given?.digest);
    return given;
  }

  /** From now on nobody waits long for a server that was silent, in the next run neither. */
  #missed({ member }: Seat, method: ListMethod): void {
    const { catalogueKey } = this.#host;
    if (catalogueKey === undefined) return;
    this.#catalogue.keep(member.fingerprint, catalogueKey, method, EMPTY_PART);
  }

  #known(seat: Seat, method: ListMethod): ListPart | undefined {
    const { catalogueKey } = this.#host;
    const part = seat.parts.get(method);
    if (part !== undefined || catalogueKey === undefined) return part;
    return this.#catalogue.find(seat.member.fingerprint, catalogueKey, method);
  }

  /** One question at a time; never rejects. */
  #fetch(seat: Seat, method: ListMethod): Promise<Outcome> {
    const key = `${seat.member.number} ${method}`;
    let fetch = this.#fetches.get(key);
    if (fetch === undefined) {
      fetch = this.#fetchOnce(seat, method).finally(() => this.#fetches.delete(key));
      this.#fetches.set(key, fetch);
    }
    return fetch;
  }

  async #fetchOnce(seat: Seat, method: ListMethod): Promise<Outcome> {
    const { meta, catalogueKey } = this.#host;
    try {
      const fetched = await seat.lacks(LISTS[method].kind)
        ? EMPTY_PART
        : await fetchList((message) => seat.ask(message), method, meta);
      const { fingerprint } = seat.member;
      const part = catalogueKey === undefined
        ? fetched
        : this.#catalogue.keep(fingerprint, catalogueKey, method, fetched);
      this.#came(seat, method, part);
      return { part };
    } catch (error) {
      if (this.#isEnded || !this.#isSeated(seat)) return FAILED;
      this.#host.failed(seat, method, reasonOf(error));
      if (!hasAnswered(error)) this.#askAgain(seat);
      return FAILED;
    }
  }

  #came(seat: Seat, method: ListMethod, part: ListPart): void {
    this.#againMs.delete(seat);
    seat.parts.set(method, part);
    if (this.#isEnded || !this.#isSeated(seat) || !seat.owed.has(method)) return;
    const given = seat.owed.get(method) ?? EMPTY_PART.digest;
    seat.owed.delete(method);
    if (given !== part.digest) this.#host.changed(LISTS[method].kind);
  }

  /** Whether its server is still one of them. */
  #isSeated(seat: Seat): boolean {
    return this.#host.seats.includes(seat);
  }

  /** Whoever was left out is asked again, as long as somebody wants to know. */
  #askAgain(seat: Seat): void {
    if (this.#timers.has(seat)) return;
    const againMs = this.#againMs.get(seat) ?? AGAIN_MS;
    this.#againMs.set(seat, Math.min(2 * againMs, AGAIN_MS_MAX));
    const timer = setTimeout(() => {
      this.#timers.delete(seat);
      if (!this.#host.isWatched) return;
      for (const method of seat.owed.keys()) void this.#fetch(seat, method);
    }, againMs);
    this.#timers.set(seat, timer);
  }
}

const FAILED: Outcome = { part: undefined };

/** Whether a server is there, and does not want to: asking it again would not help. */
function hasAnswered(error: unknown): boolean {
  return error instanceof GatewayError && error.failure === "UpstreamProtocolError";
}
