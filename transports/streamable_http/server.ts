/**
 * The MCP endpoint of Streamable HTTP (versions with sessions, 2025-03-26 to 2025-11-25): turns
 * requests into exchanges.
 *
 * Source: MCP specification, basic/transports, of the three versions.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admit } from "../../lib/core/admission.ts";
import type { Exchange } from "../../lib/core/connection.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { BUFFER_BYTES_MAX, HEARTBEAT_MS, MESSAGE_BYTES_MAX } from "../../lib/core/limits.ts";
import { ArrivalQueue } from "../http/arrival_queue.ts";
import { BodyBudget } from "../http/body_budget.ts";
import { refuse } from "../http/refusal.ts";
import { admitted } from "../http/request_info.ts";
import { Registry } from "../http/registry.ts";
import type { HttpListener } from "../http/listener.ts";
import { acceptedForms, negotiationProblem } from "./accept.ts";
import { type ExchangeSettings, HttpExchange } from "./exchange.ts";

/** Limits of the endpoint. */
export interface StreamableHttpServerOptions {
  readonly messageBytesMax?: number;
  /** Outgoing bytes that may wait for one client. */
  readonly bufferBytesMax?: number;
  /** What the bodies being read may hold together; to be shared with other endpoints. */
  readonly bodies?: BodyBudget;
  /** Silence after which a client that takes events is sent a comment, ms; 0 for none. */
  readonly heartbeatMs?: number;
  /** Says who each request is from; absent where nobody asks. */
  readonly admit?: Admit;
}

/** Path of the MCP endpoint. */
export const MCP_PATH = "/mcp";

/** Exchanges that nobody has taken yet; more are refused as overload. */
const ARRIVALS_MAX = 1024;

/** Serves a path of the listener; the exchanges are to be iterated. Ends with {@link StreamableHttpServer.end}. */
export class StreamableHttpServer {
  /** The exchanges of valid requests, in order of arrival. */
  readonly arrivals = new ArrivalQueue<Exchange>(ARRIVALS_MAX);
  readonly #settings: ExchangeSettings;
  readonly #admit: Admit | undefined;

  constructor(listener: HttpListener, path: string, options: StreamableHttpServerOptions = {}) {
    this.#settings = {
      listener,
      messageBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_MAX,
      bufferBytesMax: options.bufferBytesMax ?? BUFFER_BYTES_MAX,
      bodies: options.bodies ?? new BodyBudget(),
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      streams: new Registry<HttpExchange>(),
    };
    this.#admit = options.admit;
    listener.route(path, (req, res, expectsContinue) => this.#onRequest(req, res, expectsContinue));
    listener.onSweep((nowMs) => this.#beat(nowMs));
  }

  /** Ends the iteration; what is queued is still handed out, what comes now is refused. */
  end(): void {
    this.arrivals.end();
  }

  #onRequest(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const { method } = req;
    if (method !== "POST" && method !== "GET" && method !== "DELETE") {
      return refuse(req, res, METHOD_NOT_ALLOWED);
    }
    const accepted = acceptedForms(req.headers.accept);
    const problem = negotiationProblem(req, accepted);
    if (problem !== undefined) return refuse(req, res, problem);
    const exchange = new HttpExchange(req, res, accepted, this.#settings, expectsContinue);
    admitted(this.#admit, exchange, (identity) => {
      exchange.identity = identity;
      if (!this.arrivals.push(exchange)) exchange.refuse(OVERLOADED);
    }, (error) => exchange.refuse(error));
  }

  #beat(nowMs: number): void {
    for (const stream of this.#settings.streams.all()) stream.beat(nowMs);
  }
}

const METHOD_NOT_ALLOWED = new GatewayError("InvalidRequest", "Cannot answer: method not allowed", {
  status: 405,
  headers: { allow: "POST, GET, DELETE" },
});
const OVERLOADED = new GatewayError("Overloaded", "Cannot accept request: too many are waiting", {
  headers: { "retry-after": "1" },
});
