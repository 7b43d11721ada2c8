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
import { Listing, type ListingHost } from "./listing.ts";
import type { ListKind, ListMethod } from "./lists.ts";
import type { Member } from "./member.ts";
import { withParam } from "./message_edits.ts";
import { RouteTable } from "./route_table.ts";
import { Seat, type SeatHost } from "./seat.ts";

/** Clients without sessions count as being there for so long after their last request, ms. */
const PRESENT_MS = 60_000;

/** Told of the changes of lists. */
export interface ChangeListener {
  changed(kind: ListKind): void;
}

/** What all views share. */
export interface ViewParts {
  readonly members: readonly Member[];
  /** One for each member: see `resourceSchemes()`. */
  readonly schemes: readonly string[];
  readonly catalogue: Catalogue;
  /** A member could not be asked for a list. */
  failed(member: Member, method: ListMethod, reason: string): void;
}

/** See the module. Dispose it when the client has gone. */
export class ClientView implements SeatHost, ListingHost, Disposable {
  readonly session: Session;
  readonly seats: readonly Seat[];
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

  constructor(session: Session, parts: ViewParts) {
    this.session = session;
    this.#parts = parts;
    this.seats = parts.members.map((member) => new Seat(this, member));
    this.listing = new Listing(this, parts.catalogue);
    this.routes = new RouteTable(
      parts.members,
      parts.schemes,
      (method) => this.listing.known(method),
    );
    this.#changes = new Changes((message) => void session.notify(message));
  }

  get isWatched(): boolean {
    if (!this.session.isSessionless) return !this.session.signal.aborted;
    return this.streams.size > 0 || monotonicMs() - this.lastUsedMs < PRESENT_MS;
  }

  filter(seat: Seat, message: Message): Message | undefined {
    const kind = changedKind(message);
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
    for (const seat of this.seats) seat.rest();
  }
}
