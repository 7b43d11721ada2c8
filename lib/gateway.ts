/**
 * The accept loop: takes arrivals from listeners, gives each connection and exchange its session, and
 * hands their messages to the dispatcher. Drains in order.
 *
 * @module
 */
import type { Arrival, Batch, Connection, Listener, Peer, RequestInfo } from "./core/connection.ts";
import { BadMessageAllowance } from "./core/bad_message_allowance.ts";
import { monotonicMs } from "./core/clock.ts";
import { receiveAll } from "./core/direct_path.ts";
import { GatewayError, reasonOf, toGatewayError } from "./core/errors.ts";
import { hasExpired } from "./core/identity.ts";
import { CALLS_OPEN_MAX, UNREAD_ABOVE_BYTES } from "./core/limits.ts";
import { Outbox, type OutboxOptions } from "./core/outbox.ts";
import { aborted } from "./core/waiting.ts";
import type { SecurityEvents } from "./core/security_event.ts";
import type { Upstream } from "./core/upstream.ts";
import { unfold } from "./session/batches.ts";
import type { Dispatcher } from "./session/dispatcher.ts";
import { ExchangeServer } from "./session/exchange_server.ts";
import type { TransportMeter } from "./session/meter.ts";
import { ConnectionOutlet } from "./session/outlet.ts";
import type { SessionRegistry } from "./session/registry.ts";
import type { ClientSession } from "./session/session.ts";

/** What the gateway reports, for counters and logs. */
export interface GatewayEvents {
  meter(transport: string): TransportMeter;
  /** The upstream could not be made ready for a new connection. */
  unprepared(error: GatewayError): void;
  /** Something failed that no peer is told of. */
  failed(what: string, reason: string): void;
}

/** What a gateway is assembled from. */
export interface GatewayParts {
  readonly dispatcher: Dispatcher;
  readonly sessions: SessionRegistry;
  readonly upstream: Upstream;
  readonly events: GatewayEvents;
  /** Why somebody who arrives is not served; he is, where it returns nothing. */
  readonly gate?: (client: Peer | RequestInfo) => GatewayError | undefined;
  /** Takes security events. */
  readonly report?: SecurityEvents;
  /** Limits of what waits for one client. */
  readonly buffer?: Partial<OutboxOptions>;
}

/** Serves listeners until it is drained. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #exchanges: ExchangeServer;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { dispatcher, sessions, events } = parts;
    this.#exchanges = new ExchangeServer(
      dispatcher,
      sessions,
      (name) => events.meter(name),
      parts.report,
    );
  }

  /**
   * Accepts until the listener ends, then waits until everything it accepted has ended.
   *
   * @param hardEnd when it aborts, all of that is ended
   */
  async serve(listener: Listener, hardEnd?: AbortSignal): Promise<void> {
    const open = new Set<Arrival>();
    const allEnded = Promise.withResolvers<void>();
    let isAccepting = true;
    const ended = (arrival: Arrival) => {
      open.delete(arrival);
      if (!isAccepting && open.size === 0) allEnded.resolve();
    };
    hardEnd?.addEventListener("abort", () => {
      for (const arrival of open) cut(arrival);
    }, { once: true });
    for await (const arrival of listener) {
      open.add(arrival);
      this.#serveOne(arrival).then(() => ended(arrival), (error) => {
        this.#parts.events.failed(arrival.kind, reasonOf(error));
        ended(arrival);
      });
    }
    isAccepting = false;
    if (open.size > 0) await allEnded.promise;
  }

  /**
   * Refuses new calls, waits for the running ones until the signal aborts, then ends every session. The
   * listeners are to be closed first.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const { dispatcher, sessions, upstream } = this.#parts;
    dispatcher.drain();
    for (const session of sessions.all()) session.endListening();
    const idle = Promise.all(sessions.all().map((session) => session.below(0)));
    await Promise.race([idle, aborted(signal)]);
    for (const session of sessions.all()) session.giveUp();
    sessions[Symbol.dispose]();
    await upstream[Symbol.asyncDispose]();
  }

  #serveOne(arrival: Arrival): Promise<void> {
    const refusal = this.#parts.gate?.(
      arrival.kind === "connection" ? arrival.peer : arrival.request,
    );
    if (refusal !== undefined) return turnAway(arrival, refusal);
    return arrival.kind === "connection"
      ? this.#serveConnection(arrival)
      : this.#exchanges.serve(arrival);
  }

  async #serveConnection(connection: Connection): Promise<void> {
    const { sessions, events } = this.#parts;
    const meter = events.meter(connection.peer.transport);
    meter.connections(1);
    const outbox = new Outbox(connection, this.#parts.buffer);
    try {
      const session = sessions.open(undefined, requestOf(connection));
      try {
        await this.#serveSession(connection, session, outbox, meter);
      } finally {
        sessions.end(session);
      }
    } finally {
      await outbox.close();
      await connection[Symbol.asyncDispose]();
      meter.connections(-1);
    }
  }

  /** Serves a connection until its client has ended it and every call is answered, or the session ends. */
  async #serveSession(
    connection: Connection,
    session: ClientSession,
    outbox: Outbox,
    meter: TransportMeter,
  ): Promise<void> {
    const outlet = new ConnectionOutlet(outbox, meter);
    session.listen(outlet);
    session.signal.addEventListener("abort", () => {
      if (hasExpired(connection.peer.identity)) return connection.abort(expired());
      outbox.close().then(() => connection[Symbol.asyncDispose]());
    });
    this.#parts.upstream.prepare?.(session).catch((error) =>
      this.#parts.events.unprepared(toGatewayError(error))
    );
    await this.#readAll(connection, session, outbox, outlet, meter);
    session.endListening(); // its client can no longer end them
    await Promise.race([session.below(0), connection.closed.catch(() => {})]);
  }

  /** Hands on what the client sends. Synchronous where it can be: a promise per batch would cost 1 us. */
  #readAll(
    connection: Connection,
    session: ClientSession,
    outbox: Outbox,
    outlet: ConnectionOutlet,
    meter: TransportMeter,
  ): Promise<void> {
    const request = requestOf(connection);
    const allowance = new BadMessageAllowance();
    const isOfNetwork = request.transport !== "stdio"; // whoever has started us may say what he likes
    const bytesMax = isOfNetwork ? UNREAD_ABOVE_BYTES : Infinity; // a pipe holds too little for who writes first
    const take = (batch: Batch, from: number): boolean | Promise<boolean> => {
      for (let i = from; i < batch.length; i++) {
        const message = batch[i];
        if (message.problem !== undefined) {
          meter.badMessage(message.problem);
          if (!allowance.take(session.lastSeenMs) && isOfNetwork) {
            this.#parts.report?.({ type: "protocol_violation", address: request.address });
            return false;
          }
        }
        const done = this.#parts.dispatcher.receive(session, message, request, outlet);
        if (message.problem?.fatal) return false;
        if (done !== undefined) return done.then(() => take(batch, i + 1));
      }
      return hasRoom(session, outbox, bytesMax) || room(session, outbox, bytesMax);
    };
    return receiveAll(connection, (batch) => {
      meter.received(batch);
      session.lastSeenMs = monotonicMs();
      return take(unfold(session, batch), 0);
    });
  }
}

/** Whether more may be read: no faster than the client takes its answers. */
function hasRoom(session: ClientSession, outbox: Outbox, bytesMax: number): boolean {
  return !outbox.full && outbox.waitingBytes <= bytesMax &&
    session.callsInFlight <= CALLS_OPEN_MAX;
}

/** Resolves to true when there is room again. */
async function room(session: ClientSession, outbox: Outbox, bytesMax: number): Promise<true> {
  if (outbox.full) await outbox.ready();
  await outbox.below(bytesMax);
  await session.below(CALLS_OPEN_MAX);
  return true;
}

async function turnAway(arrival: Arrival, refusal: GatewayError): Promise<void> {
  if (arrival.kind === "exchange") return arrival.refuse(refusal);
  arrival.abort(refusal);
  await arrival[Symbol.asyncDispose]();
}

function expired(): GatewayError {
  return new GatewayError("PolicyDenied", "Cannot go on: what has let the client in has expired");
}

function cut(arrival: Arrival): void {
  if (arrival.kind === "exchange") arrival.finish();
  else arrival.abort(new GatewayError("InternalError", "Cannot serve: the listener was removed"));
}

/** What is known of the "request" behind every message of a connection. */
function requestOf({ peer }: Connection): RequestInfo {
  return { ...peer, header: () => undefined };
}
