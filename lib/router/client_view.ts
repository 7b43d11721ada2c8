/**
 * What one client, or all alike clients without sessions, have with several servers: a seat at each, and
 * what the servers list.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import type { Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Catalogue } from "./catalogue.ts";
import { changedKind, Changes } from "./changes.ts";
import type { Lineup } from "./lineup.ts";
import { Listing, type ListingHost } from "./listing.ts";
import type { ListKind, ListMethod } from "./lists.ts";
import type { Member } from "./member.ts";
import { withParam } from "./message_edits.ts";
import { RouteTable } from "./route_table.ts";
import { Seat, type SeatHost } from "./seat.ts";

/** Clients without sessions count as being there for so long after their last request, ms. */
const PRESENT_MS = 60_000;

/** Told of changes. */
export interface ChangeListener {
  /** A list has changed. */
  changed(kind: ListKind): void;
  /** The seats of the view are others. */
  exchanged(): void;
}

/** What all views share. */
export interface ViewParts {
  /** The servers there are now. */
  readonly lineup: () => Lineup;
  readonly catalogue: Catalogue;
  /** A member could not be asked for a list. */
  failed(member: Member, method: ListMethod, reason: string): void;
}

/** See the module. Dispose it when the client has gone. */
export class ClientView implements SeatHost, ListingHost, Disposable {
  readonly session: Session;
  readonly listing: Listing;
  readonly routes: RouteTable;
  /** Open listen streams. */
  readonly streams = new Set<ChangeListener>();
  initialize: Message | undefined;
  isInitialized = false;
  logLevel: Message | undefined;
  meta: Uint8Array | undefined;
  catalogueKey: string | undefined;
  lastUsedMs = monotonicMs();
  readonly #parts: ViewParts;
  readonly #changes: Changes;
  #seats: readonly Seat[];
  /** At servers that are leaving. */
  readonly #leaving = new Set<Seat>();

  constructor(session: Session, parts: ViewParts) {
    this.session = session;
    this.#parts = parts;
    this.#seats = parts.lineup().members.map((member) => new Seat(this, member));
    this.listing = new Listing(this, parts.catalogue);
    this.routes = new RouteTable(parts.lineup, (method) => this.listing.known(method));
    this.#changes = new Changes((message) => void session.notify(message));
  }

  /** One at each server, in the order of the configuration; another list when that changes. */
  get seats(): readonly Seat[] {
    return this.#seats;
  }

  /** The same, and those at servers that are leaving: they may still have calls. */
  get seatsInUse(): readonly Seat[] {
    return this.#leaving.size === 0 ? this.#seats : [...this.#seats, ...this.#leaving];
  }

  /** The seat at a server; at its successor of the same name where it has left; `undefined` where it has none. */
  seatAt(member: Member): Seat | undefined {
    return this.#seats.find((seat) => seat.member === member) ?? this.#seatNamed(member.name);
  }

  /** The servers have been exchanged. */
  exchanged(): void {
    const { members } = this.#parts.lineup();
    const before = new Map(this.#seats.map((seat) => [seat.member, seat]));
    this.#seats = members.map((member) => before.get(member) ?? new Seat(this, member));
    for (const [member, seat] of before) {
      if (members.includes(member)) continue;
      this.#leaving.add(seat);
      void member.ended.then(() => this.#leaving.delete(seat));
      if (seat.subscribed.size === 0) continue;
      this.#seatNamed(member.name)?.takeOver(seat).catch(() => {}); // it is asked, and told of, with its lists
    }
    this.listing.exchanged();
    for (const stream of this.streams) stream.exchanged();
  }

  get isWatched(): boolean {
    if (!this.session.isSessionless) return !this.session.signal.aborted;
    return this.streams.size > 0 || monotonicMs() - this.lastUsedMs < PRESENT_MS;
  }

  filter(seat: Seat, message: Message): Message | undefined {
    const kind = changedKind(message);
    if (kind !== undefined && this.#leaving.has(seat)) return undefined;
    if (kind !== undefined) {
      this.changed(kind);
      return undefined;
    }
    const { uri } = message;
    if (message.method !== "notifications/resources/updated" || uri === undefined) return message;
    const exposed = seat.subscribed.get(uri) ?? this.routes.exposedUri(seat.member, uri);
    return exposed === uri ? message : withParam(message, "uri", exposed);
  }

  changed(kind: ListKind): void {
    if (this.initialize !== undefined) this.#changes.note(kind);
    for (const stream of this.streams) stream.changed(kind);
  }

  failed(seat: Seat, method: ListMethod, reason: string): void {
    this.#parts.failed(seat.member, method, reason);
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
    this.listing[Symbol.dispose]();
    for (const seat of this.seatsInUse) seat.rest();
  }

  #seatNamed(name: string): Seat | undefined {
    return this.#seats.find((seat) => seat.member.name === name);
  }
}
