/**
 * MCP over HTTP in the sessionless era: each request stands for itself, and whoever closes its answer
 * has cancelled it.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28.
 *
 * @module
 */
import { failure } from "../core/compose.ts";
import type { Exchange } from "../core/connection.ts";
import { isModernVersion } from "../core/eras.ts";
import { GatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TransportMeter } from "./meter.ts";
import type { Outlet } from "./outlet.ts";
import type { SessionRegistry } from "./registry.ts";

/** Prefix of headers that repeat arguments of a tool. */
const PARAMETER_PREFIX = "mcp-param-";

/** Whether a posted message is one of the sessionless era, by its header or its body. */
export function isOfModernEra({ request }: Exchange, message: Message): boolean {
  return message.protocolVersion !== undefined ||
    isModernVersion(request.header("mcp-protocol-version") ?? "");
}

/** Serves one posted message. */
export async function serveModern(
  exchange: Exchange,
  message: Message,
  meter: TransportMeter,
  dispatcher: Dispatcher,
  sessions: SessionRegistry,
): Promise<void> {
  const { request } = exchange;
  if (message.kind === "notification") return exchange.accept(202); // this era has none over HTTP
  if (message.kind !== "request") throw notARequest();
  const headers = request.headersFrom?.(PARAMETER_PREFIX) ?? {}; // even none: it is for the server to judge
  const carried = message.withContext({ headers });
  const session = sessions.openSessionless();
  try {
    dispatcher.receive(
      session,
      carried,
      request,
      new ModernOutlet(exchange, meter, session.lastSeenMs),
    );
    await exchange.closed;
  } finally {
    sessions.end(session);
  }
}

function notARequest(): GatewayError {
  return new GatewayError("InvalidRequest", "Cannot accept message: clients send requests only");
}

/** HTTP statuses that errors keep after dispatch (streamable-http, 2026-07-28). */
const STATUSES: ReadonlyMap<number, number> = new Map(
  (["MethodNotFound", "HeaderMismatch", "MissingCapability", "UnsupportedVersion"] as const)
    .map((failure) => [WIRE_FORMS[failure].code, WIRE_FORMS[failure].status]),
);

/** The answer of one exchange. */
class ModernOutlet implements Outlet {
  readonly #exchange: Exchange;
  readonly #meter: TransportMeter;
  readonly #openedMs: number;
  #isStreaming = false;

  /** @param openedMs monotonic ms */
  constructor(exchange: Exchange, meter: TransportMeter, openedMs: number) {
    this.#exchange = exchange;
    this.#meter = meter;
    this.#openedMs = openedMs;
  }

  waitOn(nowMs: number): void {
    this.#exchange.waitOn?.(nowMs - this.#openedMs);
  }

  get open(): boolean {
    return !this.#exchange.gone;
  }

  get awaited(): boolean {
    return this.open;
  }

  get streams(): boolean {
    return this.#exchange.streams;
  }

  send(message: Message): Promise<void> {
    this.#isStreaming = true;
    this.#meter.sent(message);
    return this.#exchange.send([message]);
  }

  answer(message: Message): void {
    this.#meter.sent(message);
    const status = message.isError ? STATUSES.get(message.json().error.code) : undefined;
    this.#exchange.finish(message, status === undefined ? undefined : { status });
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    if (this.#isStreaming) this.answer(failure(id, error));
    else this.#exchange.refuse(error, id);
  }

  drop(): void {
    this.#exchange.finish();
  }
}
