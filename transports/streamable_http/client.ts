/**
 * A connection to a Streamable HTTP server: messages go out as POSTs, everything that comes back (JSON
 * answers, event streams, the general stream) is one stream of messages.
 *
 * A request that fails costs only itself: its asker gets an error answer, the connection stays. Only a
 * session that the server does not know any more ends it.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Batch, Connection, Endpoint, Peer } from "../../lib/core/connection.ts";
import { failure } from "../../lib/core/compose.ts";
import { GatewayError, reasonOf, TransportError } from "../../lib/core/errors.ts";
import {
  BUFFER_BYTES_MAX,
  CALL_DEADLINE_HARD_MS,
  MESSAGE_BYTES_MAX,
} from "../../lib/core/limits.ts";
import type { Message } from "../../lib/core/message.ts";
import { idKey } from "../../lib/core/message_id.ts";
import { type UpstreamAgent, withoutTlsParameters } from "../http/agent.ts";
import { discard, failureOf, unavailable } from "../http/answer.ts";
import { dialAgent } from "../http/dial.ts";
import { Flight, Flights } from "../http/flight.ts";
import { isModernRequest } from "./asker.ts";
import type { ClientLimits } from "./call.ts";
import { Calls } from "./calls.ts";
import { byteLengthOf, Inbox } from "./inbox.ts";
import { Listening } from "./listening.ts";
import { SessionGone } from "./refusal.ts";
import { Sender } from "./sender.ts";
import { HttpSession } from "./session.ts";

/** Limits and hooks of client connections. */
export interface StreamableHttpClientOptions extends Partial<ClientLimits> {
  readonly bufferBytesMax?: number;
  /** Requests under way at once; subscriptions do not count. */
  readonly inFlightMax?: number;
  /** Subscriptions open at once, a socket each; one more is refused. */
  readonly subscriptionsMax?: number;
  /** Until a connection is made, ms. */
  readonly connectTimeoutMs?: number;
  /** How long an unused connection is kept, ms. */
  readonly idleMs?: number;
  /** Orderly end: how long answers are waited for, and then how long the server may take over DELETE, ms. */
  readonly closeTimeoutMs?: number;
  /** Told of what no asker is: lost notifications, bad events, a broken general stream. */
  readonly onLost?: (reason: string) => void;
  /** Told of a tool that is left out of the lists that pass, for its `x-mcp-header` is bad; else `onLost` is. */
  readonly onToolRefused?: (reason: string) => void;
}

type Settings = Required<StreamableHttpClientOptions>;

const DEFAULTS: Omit<Settings, "onToolRefused"> = {
  messageBytesMax: MESSAGE_BYTES_MAX,
  bufferBytesMax: BUFFER_BYTES_MAX,
  headersTimeoutMs: CALL_DEADLINE_HARD_MS,
  bodyIdleMs: 30_000,
  resumesMax: 5,
  retryMs: 1000,
  inFlightMax: 1000,
  subscriptionsMax: 1000,
  connectTimeoutMs: 10_000,
  idleMs: 4000,
  closeTimeoutMs: 2000,
  onLost: () => {},
};

/** A notification or an answer is only acknowledged: its server has no work to wait for, ms. */
const ACKNOWLEDGE_MS = 30_000;

/**
 * Connects to a Streamable HTTP server.
 *
 * @throws {TransportError} when it cannot be reached
 */
export async function dialStreamableHttp(
  endpoint: Endpoint,
  signal: AbortSignal,
  options: StreamableHttpClientOptions = {},
): Promise<Connection> {
  const given = { ...DEFAULTS, ...options };
  const settings = { ...given, onToolRefused: given.onToolRefused ?? given.onLost };
  const agent = await dialAgent(endpoint.url, signal, settings);
  return new HttpConnection(endpoint, agent, settings);
}

/** One client session over any number of sockets. */
class HttpConnection implements Connection {
  readonly kind = "connection";
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #settings: Settings;
  readonly #agent: UpstreamAgent;
  readonly #session: HttpSession;
  readonly #inbox: Inbox;
  readonly #sender: Sender;
  readonly #flights = new Flights();
  readonly #calls: Calls;
  readonly #end = Promise.withResolvers<void>();
  #hasEnded = false;
  #closing: Promise<void> | undefined;
  #isListening = false;
  #isForgotten = false;
  #writing: WritableStreamDefaultController | undefined;

  constructor(endpoint: Endpoint, agent: UpstreamAgent, settings: Settings) {
    this.#settings = settings;
    this.#agent = agent;
    const { url, headers, authorizer } = endpoint;
    this.#session = new HttpSession(withoutTlsParameters(url), agent, headers, authorizer);
    this.peer = { transport: "http", address: endpoint.url.host };
    this.#inbox = new Inbox(settings.bufferBytesMax, () => void this.#close(false));
    this.readable = this.#inbox.readable;
    this.#calls = new Calls(this.#session, this.#inbox, this.#flights, settings);
    this.#sender = new Sender(this.#send, settings);
    this.writable = new WritableStream<Batch>({
      start: (controller) => void (this.#writing = controller),
      write: (batch) => this.#push(batch),
      close: () => this.#close(true),
      abort: (reason) => this.abort(reason),
    }, { highWaterMark: settings.bufferBytesMax, size: byteLengthOf });
    this.closed = this.#end.promise;
    this.closed.catch(() => {}); // whoever asks gets the rejection; nobody has to ask
  }

  /** Hands messages to the sender, except cancellations that are no messages on the wire. */
  #push(batch: Batch): Promise<void> | undefined {
    if (!batch.some(isCancellation)) return this.#sender.push(batch);
    let busy: Promise<void> | undefined;
    for (const message of batch) {
      if (!isCancellation(message) || !this.#cancelModern(message.requestId!)) {
        busy = this.#sender.push([message]);
      }
    }
    return busy;
  }

  /** False when the cancellation has to be sent. */
  #cancelModern(requestId: Uint8Array): boolean {
    const key = idKey(requestId);
    const isMeant = (message: Message) => isModernRequest(message) && idKey(message.id!) === key;
    return this.#sender.withdraw(isMeant) || this.#calls.cancelModern(key);
  }

  abort(reason: GatewayError): void {
    this.#finish(new TransportError(`Cannot use ${this.peer.address}: ${reasonOf(reason)}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(false);
  }

  /** Ends in order: answers first if they are waited for, then the session at the server. */
  #close(waitForAnswers: boolean): Promise<void> {
    return this.#closing ??= this.#closeOnce(waitForAnswers);
  }

  async #closeOnce(waitForAnswers: boolean): Promise<void> {
    const timeout = new Flight();
    const late = timeout.pause(this.#settings.closeTimeoutMs);
    if (waitForAnswers) await Promise.race([this.#sender.idle(), late]);
    timeout.abort(CLOSED);
    this.#failOpen(CLOSED);
    if (!this.#hasEnded && this.#session.id !== undefined) await this.#deleteSession();
    this.#finish();
  }

  async #deleteSession(): Promise<void> {
    const flight = new Flight();
    const timer = setTimeout(() => flight.abort(CLOSED), this.#settings.closeTimeoutMs);
    try {
      discard(await this.#session.delete(flight));
    } catch { // the server ends the session by itself, sooner or later
    } finally {
      clearTimeout(timer);
    }
  }

  #finish(broken?: TransportError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (broken !== undefined) this.#failOpen(unavailable(broken.message, "unknown"));
    this.#flights.close();
    this.#agent.destroy();
    this.#inbox.close(); // not broken: the answers of the open requests are still to be read
    if (broken === undefined) this.#end.resolve();
    else this.#end.reject(broken);
  }

  /** Answers every open request with an error: what never left, and what is under way. */
  #failOpen(reason: GatewayError): void {
    this.#failUnsent();
    this.#calls.fail(reason);
    this.#flights.abort(reason);
  }

  #failUnsent(): void {
    for (const message of this.#sender.takeUnsent()) {
      if (message.kind !== "request") continue;
      this.#inbox.deliverOne(failure(message.id, unavailable("connection lost", "not_sent")));
    }
  }

  readonly #send = (message: Message, onOrdered: () => void, onLanded: () => void): void => {
    const flight = new Flight();
    this.#flights.add(flight);
    const landed = () => {
      this.#flights.delete(flight);
      onLanded();
    };
    const failed = (error: unknown) => {
      this.#lost(error);
      landed();
    };
    if (message.kind === "request") {
      this.#calls.run(message, flight, onOrdered).then(landed, failed);
    } else this.#tell(message, flight).finally(onOrdered).then(landed, failed);
  };

  /** Sends what has no answer. */
  async #tell(message: Message, flight: Flight): Promise<void> {
    flight.allow(ACKNOWLEDGE_MS);
    const answer = await this.#session.post(message, flight);
    flight.allow(Infinity);
    this.#acknowledged(message, answer);
  }

  #acknowledged(message: Message, answer: IncomingMessage): void {
    const status = answer.statusCode!;
    discard(answer);
    if (status === 404 && this.#session.id !== undefined) throw new SessionGone("not_sent");
    if (status >= 300) throw new TransportError(`Cannot deliver message: status ${status}`);
    if (message.method === "notifications/initialized") this.#listen();
    if (message.requestId !== undefined) this.#calls.drop(idKey(message.requestId));
  }

  #listen(): void {
    if (this.#isListening || this.#hasEnded) return;
    this.#isListening = true;
    const flight = new Flight();
    this.#flights.add(flight);
    const onBad = (problem: unknown) => this.#settings.onLost(reasonOf(problem));
    const listening = new Listening(flight, this.#session, this.#inbox, this.#settings, onBad);
    listening.run().catch((error) => this.#lost(error)).finally(() => this.#flights.delete(flight));
  }

  /** Something failed that no asker was told of, or the session is gone. */
  #lost(error: unknown): void {
    if (error instanceof SessionGone) void this.#forgotten(error);
    else if (!this.#hasEnded) this.#settings.onLost(failureOf(error).message);
  }

  /** Nothing more is sent; what is under way is told by the server that it was not run, each by itself. */
  async #forgotten(gone: SessionGone): Promise<void> {
    if (this.#isForgotten) return;
    this.#isForgotten = true;
    const reason = new TransportError(`Cannot use ${this.peer.address}: ${gone.message}`);
    this.#writing!.error(reason);
    this.#failUnsent();
    const timeout = new Flight();
    await Promise.race([this.#sender.idle(), timeout.pause(REFUSALS_MS)]);
    timeout.abort(CLOSED);
    this.#finish(reason);
  }
}

/** So long the requests under way may take to be refused, too, ms. */
const REFUSALS_MS = 500;

function isCancellation(message: Message): boolean {
  return message.method === "notifications/cancelled" && message.requestId !== undefined;
}

const CLOSED = unavailable("the connection was closed", "unknown");
