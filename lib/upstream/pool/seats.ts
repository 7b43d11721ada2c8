/**
 * The clients of a pool and their homes.
 *
 * @module
 */
import type { Session } from "../../core/handler.ts";
import type { Member } from "./member.ts";
import { Seat } from "./seat.ts";

/** What homes are chosen with. */
export interface HomeFinder {
  /** The member a session belongs to by its id, ready or starting. */
  homeOf(key: string): Member | undefined;
  /** A member could not be told of a session. */
  failed(member: Member, error: unknown): void;
}

/** Seats by session. Dispose it to forget them. */
export class Seats implements Disposable {
  readonly #finder: HomeFinder;
  /** Whether all requests of a session go to its home. */
  readonly #areBound: boolean;
  readonly #seats = new Map<Session, Seat>();
  /** Clients whose home was lost, and that no message of theirs will give another. */
  readonly #homeless = new Set<Seat>();
  readonly #closing = new AbortController();

  constructor(finder: HomeFinder, areBound: boolean) {
    this.#finder = finder;
    this.#areBound = areBound;
  }

  /** Whether clients wait for another home. */
  get areHomeless(): boolean {
    return this.#homeless.size > 0;
  }

  /** The seat of a session; `undefined` for one that lasts for a single request. */
  of(session: Session): Seat | undefined {
    if (session.isSessionless) return undefined;
    let seat = this.#seats.get(session);
    if (seat === undefined) {
      session.signal.throwIfAborted();
      this.#seats.set(session, seat = new Seat(session, this.#areBound));
      session.signal.addEventListener("abort", () => this.#leave(session), {
        once: true,
        signal: this.#closing.signal,
      });
    }
    return seat;
  }

  /** The home of a seat, given one where it has none. */
  home(seat: Seat): Member | undefined {
    if (seat.home === undefined) seat.moveTo(this.#finder.homeOf(seat.session.id));
    return seat.home;
  }

  /** Whether no session would lose what its server remembers of it beyond the protocol's state. */
  canSpare(member: Member): boolean {
    for (const seat of this.#seats.values()) if (seat.isBound && seat.home === member) return false;
    return true;
  }

  /** A member gets no more calls: who lives there gets another home. */
  evict(member: Member): void {
    for (const seat of this.#seats.values()) {
      seat.forget(member);
      if (seat.home !== member) continue;
      seat.moveTo(undefined);
      if (seat.hasState) this.#homeless.add(seat);
    }
    this.settle();
  }

  /** Gives homes to the homeless, as far as there are members. */
  settle(): void {
    for (const seat of this.#homeless) {
      const home = this.home(seat);
      if (home === undefined || !home.ready()) continue;
      this.#homeless.delete(seat);
      seat.settle().catch((error) => {
        if (seat.home === home && this.#seats.has(seat.session)) this.#finder.failed(home, error);
      });
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#seats.clear();
    this.#homeless.clear();
  }

  #leave(session: Session): void {
    const seat = this.#seats.get(session);
    this.#seats.delete(session);
    if (seat !== undefined) this.#homeless.delete(seat);
  }
}
