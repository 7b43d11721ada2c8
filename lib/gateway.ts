/**
 * The accept loop: takes arrivals from listeners, gives each connection and exchange its session, and
 * hands their messages to the dispatcher. Drains in order.
 *
 * @module
 */
import type {
  Arrival,
  Batch,
  Connection,
  Exchange,
  Listener,
  RequestInfo,
} from "./core/connection.ts";
import { monotonicMs } from "./core/clock.ts";
import { GatewayError, reasonOf, toGatewayError } from "./core/errors.ts";
import { CALLS_OPEN_MAX } from "./core/limits.ts";
import type { Message } from "./core/message.ts";
import { Outbox, type OutboxOptions } from "./core/outbox.ts";
import type { Upstream } from "./core/upstream.ts";
import { DISCOVER_METHOD, type Dispatcher, noDiscovery } from "./session/dispatcher.ts";
import { ConnectionOutlet, ExchangeOutlet, type Meter } from "./session/outlet.ts";
import type { SessionRegistry } from "./session/registry.ts";
import type { ClientSession } from "./session/session.ts";

/** Counts the messages of one transport. */
export interface TransportMeter extends Meter {
  /** Messages came from a client. */
  received(batch: Batch): void;
  /** Content that is no message came from a client. */
  badMessage(problem: GatewayError): void;
  /** A connection was accepted (1) or has ended (-1). */
  connections(change: 1 | -1): void;
}

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
  /** Limits of what waits for one client. */
  readonly buffer?: Partial<OutboxOptions>;
}

const SESSION_HEADER = "mcp-session-id";

/** Serves listeners until it is drained. */
export class Gateway {
  readonly #parts: GatewayParts;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Accepts until the listener ends, then waits until everything it accepted has ended. */
  async serve(listener: Listener): Promise<void> {
    let open = 1;
    const allEnded = Promise.withResolvers<void>();
    const ended = () => {
      if (--open === 0) allEnded.resolve();
    };
    for await (const arrival of listener) {
      open++;
      this.#serveOne(arrival).then(ended, (error) => {
        this.#parts.events.failed(arrival.kind, reasonOf(error));
        ended();
      });
    }
    ended();
    await allEnded.promise;
  }

  /**
   * Refuses new calls, waits for the running ones until the signal aborts, then ends every session. The
   * listeners are to be closed first.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const { dispatcher, sessions, upstream } = this.#parts;
    dispatcher.drain();
    const idle = Promise.all([...sessions.all()].map((session) => session.below(0)));
    await Promise.race([idle, aborted(signal)]);
    for (const session of sessions.all()) session.giveUp();
    sessions[Symbol.dispose]();
    await upstream[Symbol.asyncDispose]();
  }

  #serveOne(arrival: Arrival): Promise<void> {
    return arrival.kind === "connection"
      ? this.#serveConnection(arrival)
      : this.#serveExchange(arrival);
  }

  async #serveConnection(connection: Connection): Promise<void> {
    const { sessions, events } = this.#parts;
    const meter = events.meter(connection.peer.transport);
    meter.connections(1);
    const outbox = new Outbox(connection, this.#parts.buffer);
    try {
      const session = sessions.open();
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
      outbox.close().then(() => connection[Symbol.asyncDispose]());
    });
    this.#parts.upstream.prepare?.(session).catch((error) =>
      this.#parts.events.unprepared(toGatewayError(error))
    );
    await this.#readAll(connection, session, outbox, outlet, meter);
    await Promise.race([session.below(0), connection.closed.catch(() => {})]);
  }

  /** Reads no faster than the client takes its answers. */
  async #readAll(
    connection: Connection,
    session: ClientSession,
    outbox: Outbox,
    outlet: ConnectionOutlet,
    meter: TransportMeter,
  ): Promise<void> {
    const request = requestOf(connection);
    for await (const batch of connection.readable) {
      meter.received(batch);
      session.lastSeenMs = monotonicMs();
      for (const message of batch) {
        if (message.problem !== undefined) meter.badMessage(message.problem);
        const done = this.#parts.dispatcher.receive(session, message, request, outlet);
        if (done !== undefined) await done;
        if (message.problem?.fatal) return;
      }
      if (outbox.full) await outbox.ready();
      if (session.callsInFlight > CALLS_OPEN_MAX) await session.below(CALLS_OPEN_MAX);
    }
  }

  async #serveExchange(exchange: Exchange): Promise<void> {
    try {
      if (exchange.method === "POST") await this.#servePost(exchange);
      else if (exchange.method === "GET") await this.#serveGet(exchange);
      else this.#serveDelete(exchange);
    } catch (error) {
      exchange.refuse(toGatewayError(error));
    }
  }

  async #servePost(exchange: Exchange): Promise<void> {
    const meter = this.#parts.events.meter(exchange.request.transport);
    const batch = await exchange.read();
    meter.received(batch);
    const [message] = batch;
    if (message.problem !== undefined) {
      meter.badMessage(message.problem);
      return exchange.refuse(message.problem, message.id);
    }
    try {
      await this.#servePosted(exchange, message, meter);
    } catch (error) {
      exchange.refuse(toGatewayError(error), message.kind === "request" ? message.id : undefined);
    }
  }

  async #servePosted(exchange: Exchange, message: Message, meter: TransportMeter): Promise<void> {
    const { dispatcher, sessions } = this.#parts;
    const known = this.#sessionOf(exchange.request);
    if (known === undefined && message.method === DISCOVER_METHOD) {
      return exchange.refuse(noDiscovery(), message.id);
    }
    const session = known ?? this.#openSession(message, exchange);
    const outlet = new ExchangeOutlet(exchange, meter);
    session.lastSeenMs = monotonicMs();
    const done = dispatcher.receive(session, message, exchange.request, outlet);
    if (done !== undefined) await done;
    if (message.kind !== "request") return exchange.accept(202);
    if (known !== undefined) return;
    await exchange.closed;
    if (session.protocolVersion === undefined) sessions.end(session); // it was never initialized
  }

  #openSession(message: Message, exchange: Exchange): ClientSession {
    if (message.method !== "initialize") {
      throw missingSession(`handle ${message.kind}`);
    }
    const session = this.#parts.sessions.open();
    exchange.setHeader(SESSION_HEADER, session.id);
    return session;
  }

  async #serveGet(exchange: Exchange): Promise<void> {
    const session = this.#sessionOf(exchange.request);
    if (session === undefined) throw missingSession("open stream");
    await exchange.send([]);
    session.listen(
      new ExchangeOutlet(exchange, this.#parts.events.meter(exchange.request.transport)),
    );
    await exchange.closed;
    session.lastSeenMs = monotonicMs();
  }

  #serveDelete(exchange: Exchange): void {
    const session = this.#sessionOf(exchange.request);
    if (session === undefined) throw missingSession("end session");
    this.#parts.sessions.end(session);
    exchange.accept(200);
  }

  /**
   * The session a request names; `undefined` when it names none.
   *
   * @throws {GatewayError} InvalidRequest with status 404 when it is unknown or has ended: the client starts again
   */
  #sessionOf(request: RequestInfo): ClientSession | undefined {
    const id = request.header(SESSION_HEADER);
    if (id === undefined) return undefined;
    const session = this.#parts.sessions.find(id);
    if (session !== undefined) return session;
    throw new GatewayError("InvalidRequest", "Cannot find session: it is unknown or has ended", {
      status: 404,
    });
  }
}

function missingSession(what: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot ${what}: Mcp-Session-Id is missing`);
}

/** What is known of the "request" behind every message of a connection. */
function requestOf({ peer }: Connection): RequestInfo {
  return { ...peer, header: () => undefined };
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
