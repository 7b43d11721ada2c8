/**
 * HTTP with SSE, the transport of protocol version 2024-11-05: `GET /mcp/sse` opens a stream whose first
 * event names where to POST messages; answers come back on the stream.
 *
 * Source: MCP specification 2024-11-05, basic/transports. Resuming is that of WHATWG HTML, 9.2.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admit } from "../../lib/core/admission.ts";
import type { Connection, RequestInfo } from "../../lib/core/connection.ts";
import { GatewayError, toGatewayError } from "../../lib/core/errors.ts";
import { LogBudget } from "../../lib/core/event_log.ts";
import type { Identity } from "../../lib/core/identity.ts";
import {
  BUFFER_BYTES_MAX,
  HEARTBEAT_MS,
  MESSAGE_BYTES_MAX,
  SESSIONS_MAX,
} from "../../lib/core/limits.ts";
import { Message } from "../../lib/core/message.ts";
import { ownerOf } from "../../lib/core/owner.ts";
import type { SecurityEvents } from "../../lib/core/security_event.ts";
import { tagged } from "../../lib/core/worker_tag.ts";
import { ArrivalQueue } from "../http/arrival_queue.ts";
import { readBody } from "../http/body.ts";
import { BodyBudget } from "../http/body_budget.ts";
import type { HttpListener } from "../http/listener.ts";
import { answer, refuse } from "../http/refusal.ts";
import { admitted, requestInfoOf } from "../http/request_info.ts";
import { acceptedForms, bodyProblem } from "../streamable_http/accept.ts";
import { EventStream, ID_SEPARATOR } from "./event_stream.ts";
import { invalid, queryOf } from "./query.ts";
import { SseConnection, type SseConnectionLimits } from "./server_connection.ts";

/** Limits of the endpoint. */
export interface SseServerOptions {
  readonly messageBytesMax?: number;
  /** Bytes that may wait for one side before the other has to. */
  readonly bufferBytesMax?: number;
  /** What the bodies being read may hold together; to be shared with other endpoints. */
  readonly bodies?: BodyBudget;
  /** Silence after which a stream carries a comment, ms. */
  readonly heartbeatMs?: number;
  /** How long a connection whose stream broke waits for its client, ms. */
  readonly resumeMs?: number;
  /** Events of one connection that can be sent again. */
  readonly logEventsMax?: number;
  /** Bytes of those. */
  readonly logBytesMax?: number;
  /** Connections at once, those that wait for their client included. */
  readonly connectionsMax?: number;
  /** Says who each request is from; absent where nobody asks. */
  readonly admit?: Admit;
  /** Takes security events. */
  readonly report?: SecurityEvents;
}

/** Path of the event stream. */
export const SSE_PATH = "/mcp/sse";
/** Path that messages are posted to. */
export const MESSAGES_PATH = "/mcp/messages";

const TRANSPORT = "sse";
const ARRIVALS_MAX = 1024;
const RESUME_MS = 60_000;
const LOG_EVENTS_MAX = 1000;
const LOG_BYTES_MAX = 1024 * 1024;
/** All logs together, bytes. */
const LOGS_BYTES_MAX = 32 * 1024 * 1024;
/** POSTs of one connection that may wait for its reader. */
const POSTS_MAX = 1000;
/** Bytes of them: clients that posted and never read their streams held 15 MB each. */
const POSTED_BYTES_MAX = 1024 * 1024;
/** Clients of this transport post rarely: their connections stay open for so long, ms. */
const KEEP_ALIVE_MS = 120_000;
const KEEP_ALIVE = `timeout=${KEEP_ALIVE_MS / 1000}`;
const ID_BYTES = 18; // 144 random bits
const NOTHING = new Uint8Array(0);

/** Serves both paths on a listener; the connections are to be iterated. Ends with {@link SseServer.end}. */
export class SseServer {
  /** The connections, in order of arrival. */
  readonly arrivals = new ArrivalQueue<Connection>(ARRIVALS_MAX);
  readonly #listener: HttpListener;
  readonly #limits: SseConnectionLimits;
  readonly #bodies: BodyBudget;
  readonly #messageBytesMax: number;
  readonly #connectionsMax: number;
  readonly #admit: Admit | undefined;
  readonly #report: SecurityEvents;
  readonly #logs = new LogBudget(LOGS_BYTES_MAX);
  readonly #connections = new Map<string, SseConnection>();
  #hasEnded = false;

  constructor(listener: HttpListener, options: SseServerOptions = {}) {
    this.#listener = listener;
    this.#bodies = options.bodies ?? new BodyBudget();
    this.#messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX;
    this.#connectionsMax = options.connectionsMax ?? SESSIONS_MAX;
    this.#limits = {
      bufferBytesMax: options.bufferBytesMax ?? BUFFER_BYTES_MAX,
      resumeMs: options.resumeMs ?? RESUME_MS,
      eventsMax: options.logEventsMax ?? LOG_EVENTS_MAX,
      bytesMax: options.logBytesMax ?? LOG_BYTES_MAX,
    };
    const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#admit = options.admit;
    this.#report = options.report ?? (() => {});
    listener.route(
      SSE_PATH,
      (req, res) => this.#guarded(req, res, (by) => this.#open(req, res, by)),
    );
    listener.route(
      MESSAGES_PATH,
      (req, res, expectsContinue) =>
        this.#guarded(req, res, (by) => this.#onMessages(req, res, by, expectsContinue)),
    );
    listener.onSweep((nowMs) => {
      for (const connection of this.#connections.values()) connection.beat(nowMs, heartbeatMs);
    });
  }

  /** Connections at present, those that wait for their client included. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Ends the iteration, and the connections whose clients would have to come back. */
  end(): void {
    this.#hasEnded = true;
    this.arrivals.end();
    for (const connection of [...this.#connections.values()]) connection.endIfDetached();
  }

  #guarded(
    req: IncomingMessage,
    res: ServerResponse,
    act: (by: RequestInfo) => void | Promise<void>,
  ): void {
    const request = requestInfoOf(req, this.#listener.proxies, TRANSPORT);
    const fail = (error: unknown) => refuse(req, res, toGatewayError(error));
    admitted(this.#admit, request, (identity) => {
      const by = identity === undefined ? request : { ...request, identity };
      new Promise<void>((resolve) => resolve(act(by))).catch(fail);
    }, fail);
  }

  #open(req: IncomingMessage, res: ServerResponse, by: RequestInfo): void {
    if (req.method !== "GET") throw notAllowed("GET");
    queryOf(req);
    if (!acceptedForms(req.headers.accept).events) throw NOT_ACCEPTABLE;
    const resumed = this.#resumed(req, by);
    if (resumed !== undefined) {
      const { connection, sequence } = resumed;
      connection.prolong(by.identity);
      return connection.attach(this.#stream(req, res, connection, sequence), sequence);
    }
    if (this.#hasEnded || this.#connections.size >= this.#connectionsMax) throw OVERLOADED;
    const id = tagged(randomBytes(ID_BYTES).toString("base64url"));
    const connection = new SseConnection(
      id,
      by,
      this.#limits,
      this.#logs,
      () => this.#connections.delete(id),
    );
    if (!this.arrivals.push(connection)) throw OVERLOADED;
    this.#connections.set(id, connection);
    connection.attach(this.#stream(req, res, connection, 0));
  }

  #stream(
    req: IncomingMessage,
    res: ServerResponse,
    { id }: SseConnection,
    sequence: number,
  ): EventStream {
    const endpoint = `${MESSAGES_PATH}?sessionId=${id}`;
    return new EventStream(req, res, this.#listener.compresses(req), id, endpoint, sequence);
  }

  /** The connection that a client comes back to, if that can be done without a gap. */
  #resumed(req: IncomingMessage, by: RequestInfo) {
    const [id, digits] = String(req.headers["last-event-id"] ?? "").split(ID_SEPARATOR);
    if (digits === undefined || !/^\d{1,15}$/.test(digits)) return undefined;
    const connection = this.#find(by, id), sequence = Number(digits);
    return connection?.canResume(sequence) ? { connection, sequence } : undefined;
  }

  async #onMessages(
    req: IncomingMessage,
    res: ServerResponse,
    by: RequestInfo,
    expectsContinue: boolean,
  ): Promise<void> {
    const query = queryOf(req);
    const id = query.get("sessionId");
    if (id === null) throw invalid("sessionId is missing");
    const connection = this.#find(by, id);
    if (connection === undefined) throw UNKNOWN;
    connection.prolong(by.identity);
    this.#keepAlive(req, res);
    if (req.method === "DELETE") connection.endInput();
    else if (req.method !== "POST") throw notAllowed("POST, DELETE");
    else if (!await this.#post(req, res, connection, by.identity, expectsContinue)) return;
    answer(req, res, 202, ["content-length", "0", "keep-alive", KEEP_ALIVE], NOTHING);
  }

  /** False when the message was refused. */
  async #post(
    req: IncomingMessage,
    res: ServerResponse,
    connection: SseConnection,
    identity: Identity | undefined,
    expectsContinue: boolean,
  ): Promise<boolean> {
    const problem = bodyProblem(req, this.#messageBytesMax);
    if (problem !== undefined) throw problem;
    if (connection.posts >= POSTS_MAX || connection.postedBytes >= POSTED_BYTES_MAX) {
      throw OVERLOADED;
    }
    if (expectsContinue) res.writeContinue();
    connection.posts++;
    try {
      const message = Message.from(await readBody(req, this.#messageBytesMax, this.#bodies));
      if (message.problem !== undefined) {
        refuse(req, res, message.problem, message.id);
        return false;
      }
      connection.receive(message, identity);
      await waited(connection, message.bytes.length);
      return true;
    } finally {
      connection.posts--;
    }
  }

  /** A connection of the same client; those of others are as unknown as those that never were. */
  #find(by: RequestInfo, id: string): SseConnection | undefined {
    const connection = this.#connections.get(id);
    if (connection === undefined || connection.owner === ownerOf(by)) return connection;
    const { address, identity } = by;
    this.#report({ type: "foreign_session", address, principal: identity?.principal });
  }

  #keepAlive(req: IncomingMessage, res: ServerResponse): void {
    res.once("finish", () => req.socket.setTimeout(KEEP_ALIVE_MS));
  }
}

/** Waits for the connection's reader. */
async function waited(connection: SseConnection, byteLength: number): Promise<void> {
  const room = connection.room();
  if (room === undefined) return;
  connection.postedBytes += byteLength;
  await room;
  connection.postedBytes -= byteLength;
}

function notAllowed(allow: string): GatewayError {
  return new GatewayError("InvalidRequest", "Cannot answer: method not allowed", {
    status: 405,
    headers: { allow },
  });
}

const UNKNOWN = new GatewayError("InvalidRequest", "Cannot find connection: it has ended", {
  status: 404,
});
const NOT_ACCEPTABLE = new GatewayError(
  "InvalidRequest",
  "Cannot answer: the client must accept text/event-stream",
  { status: 406 },
);
const OVERLOADED = new GatewayError("Overloaded", "Cannot accept request: too many are waiting", {
  headers: { "retry-after": "1" },
});
