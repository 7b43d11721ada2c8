/**
 * MCP over HTTP: finds or opens the session of each exchange and hands its messages to the dispatcher.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import type { Exchange, RequestInfo } from "../core/connection.ts";
import { DISCOVER_METHOD, isLegacyVersion, noDiscovery } from "../core/eras.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { SecurityEvents } from "../core/security_event.ts";
import { unfold } from "./batches.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TransportMeter } from "./meter.ts";
import { isOfModernEra, serveModern } from "./modern_exchange.ts";
import { BatchOutlet, ExchangeOutlet, GeneralOutlet } from "./outlet.ts";
import type { SessionRegistry } from "./registry.ts";
import type { ClientSession } from "./session.ts";

const SESSION_HEADER = "mcp-session-id";
const LAST_EVENT_HEADER = "last-event-id";

/** Serves exchanges, one call each. */
export class ExchangeServer {
  readonly #dispatcher: Dispatcher;
  readonly #sessions: SessionRegistry;
  readonly #meterFor: (transport: string) => TransportMeter;
  readonly #report: SecurityEvents;

  /**
   * @param meterFor the counters of a transport
   * @param report takes security events
   */
  constructor(
    dispatcher: Dispatcher,
    sessions: SessionRegistry,
    meterFor: (transport: string) => TransportMeter,
    report: SecurityEvents = () => {},
  ) {
    this.#dispatcher = dispatcher;
    this.#sessions = sessions;
    this.#meterFor = meterFor;
    this.#report = report;
  }

  /** Answers one exchange, sooner or later and exactly once. */
  async serve(exchange: Exchange): Promise<void> {
    try {
      if (exchange.method === "POST") await this.#post(exchange);
      else if (exchange.method === "GET") await this.#get(exchange);
      else this.#delete(exchange);
    } catch (error) {
      exchange.refuse(toGatewayError(error));
    }
  }

  async #post(exchange: Exchange): Promise<void> {
    const meter = this.#meterOf(exchange);
    const batch = await exchange.read();
    meter.received(batch);
    const [message] = batch;
    if (message.isBatch) return await this.#postedBatch(exchange, message, meter);
    if (message.problem !== undefined) {
      meter.badMessage(message.problem);
      this.#report({ type: "protocol_violation", address: exchange.request.address });
      return exchange.refuse(message.problem, message.id);
    }
    try {
      if (isOfModernEra(exchange, message)) {
        return await serveModern(exchange, message, meter, this.#dispatcher, this.#sessions);
      }
      await this.#posted(exchange, message, meter);
    } catch (error) {
      exchange.refuse(toGatewayError(error), message.kind === "request" ? message.id : undefined);
    }
  }

  async #posted(exchange: Exchange, message: Message, meter: TransportMeter): Promise<void> {
    const known = this.#sessionOf(exchange.request);
    if (known === undefined && message.method === DISCOVER_METHOD) {
      return exchange.refuse(noDiscovery(), message.id);
    }
    const session = known ?? this.#openSession(message, exchange, meter);
    session.lastSeenMs = monotonicMs();
    const outlet = new ExchangeOutlet(exchange, session.streams, meter, session.lastSeenMs);
    const done = this.#dispatcher.receive(session, message, exchange.request, outlet);
    if (done !== undefined) await done;
    if (message.kind !== "request") return exchange.accept(202);
    if (known !== undefined) return;
    await exchange.closed;
    if (outlet.isStream) await session.below(0); // the client may come back for the answer
    if (session.protocolVersion === undefined) this.#sessions.end(session); // it was never initialized
  }

  /** Versions with batches get one event per answer; from all others a batch is refused. */
  async #postedBatch(
    exchange: Exchange,
    batch: Message,
    meter: TransportMeter,
  ): Promise<void> {
    const session = this.#sessionOf(exchange.request);
    const messages = session === undefined ? [batch] : unfold(session, [batch]);
    if (session === undefined || messages[0] === batch) {
      meter.badMessage(batch.problem!);
      return exchange.refuse(batch.problem!);
    }
    const answers = messages.filter(({ kind }) => kind === "request" || kind === "invalid").length;
    if (answers > 0 && !exchange.streams) throw notStreaming();
    session.lastSeenMs = monotonicMs();
    const outlet = answers > 0
      ? new BatchOutlet(exchange, session.streams, meter, answers)
      : new ExchangeOutlet(exchange, session.streams, meter, session.lastSeenMs);
    for (const message of messages) {
      const done = this.#dispatcher.receive(session, message, exchange.request, outlet);
      if (done !== undefined) await done;
    }
    if (answers === 0) exchange.accept(202);
  }

  #openSession(message: Message, exchange: Exchange, meter: TransportMeter): ClientSession {
    if (message.method !== "initialize") {
      throw missingSession(`handle ${message.kind}`);
    }
    const session = this.#sessions.open(exchange.request);
    session.listen(new GeneralOutlet(session.streams, meter));
    exchange.setHeader(SESSION_HEADER, session.id);
    return session;
  }

  async #get(exchange: Exchange): Promise<void> {
    const session = this.#sessionOf(exchange.request);
    if (session === undefined) throw missingSession("open stream");
    const lastEventId = exchange.request.header(LAST_EVENT_HEADER);
    if (lastEventId) session.streams.resume(exchange, lastEventId);
    else session.streams.general.carry(exchange);
    await exchange.closed;
    session.lastSeenMs = monotonicMs();
  }

  #delete(exchange: Exchange): void {
    const session = this.#sessionOf(exchange.request);
    if (session === undefined) throw missingSession("end session");
    this.#sessions.end(session);
    exchange.accept(200);
  }

  /**
   * The session a request names; `undefined` when it names none.
   *
   * @throws {GatewayError} InvalidRequest with status 404 when it is unknown or has ended: the client starts again
   */
  #sessionOf(request: RequestInfo): ClientSession | undefined {
    checkVersion(request);
    const id = request.header(SESSION_HEADER);
    if (id === undefined) return undefined;
    const session = this.#sessions.find(id);
    if (session?.belongsTo(request)) return session;
    if (session !== undefined) {
      const { address, identity } = request;
      this.#report({ type: "foreign_session", address, principal: identity?.principal });
    }
    throw new GatewayError("InvalidRequest", "Cannot find session: it is unknown or has ended", {
      status: 404,
    });
  }

  #meterOf({ request }: Exchange): TransportMeter {
    return this.#meterFor(request.transport);
  }
}

function notStreaming(): GatewayError {
  return new GatewayError("InvalidRequest", "Cannot answer batch: the client takes no events", {
    status: 406,
  });
}

/** @throws {GatewayError} InvalidRequest when the request names a version without sessions, or none that is known */
function checkVersion(request: RequestInfo): void {
  const version = request.header("mcp-protocol-version");
  if (version === undefined || isLegacyVersion(version)) return;
  throw new GatewayError(
    "InvalidRequest",
    "Cannot accept request: protocol version not supported",
  );
}

function missingSession(what: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot ${what}: Mcp-Session-Id is missing`);
}
