/**
 * A connection to an HTTP+SSE server: messages go out as POSTs to the address that the server named, and
 * everything comes back on one event stream.
 *
 * Source: MCP specification 2024-11-05, basic/transports.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { failure } from "../../lib/core/compose.ts";
import type { Batch, Connection, Endpoint, Peer } from "../../lib/core/connection.ts";
import { type GatewayError, reasonOf, TransportError } from "../../lib/core/errors.ts";
import { BUFFER_BYTES_MAX, MESSAGE_BYTES_MAX } from "../../lib/core/limits.ts";
import type { Message } from "../../lib/core/message.ts";
import { idKey } from "../../lib/core/message_id.ts";
import { type UpstreamAgent, withoutTlsParameters } from "../http/agent.ts";
import { discard, failureOf, unavailable } from "../http/answer.ts";
import { dialAgent } from "../http/dial.ts";
import { Flight, Flights } from "../http/flight.ts";
import { byteLengthOf, Inbox } from "../streamable_http/inbox.ts";
import { refusalOf } from "../streamable_http/refusal.ts";
import { Sender } from "../streamable_http/sender.ts";
import { HttpSession } from "../streamable_http/session.ts";
import { EventReader, type EventReaderLimits } from "./event_reader.ts";

/** Limits and hooks of client connections. */
export interface SseClientOptions extends Partial<EventReaderLimits> {
  readonly bufferBytesMax?: number;
  /** POSTs under way at once. */
  readonly inFlightMax?: number;
  /** Until a connection is made, ms. */
  readonly connectTimeoutMs?: number;
  /** How long an unused connection is kept, ms. */
  readonly idleMs?: number;
  /** Until a POST is acknowledged, ms. */
  readonly acknowledgeMs?: number;
  /** Orderly end: how long POSTs and answers are waited for, ms. */
  readonly closeTimeoutMs?: number;
  /** Told of what no asker is: lost notifications, bad events. */
  readonly onLost?: (reason: string) => void;
}

type Settings = Required<SseClientOptions>;

const DEFAULTS: Settings = {
  messageBytesMax: MESSAGE_BYTES_MAX,
  bufferBytesMax: BUFFER_BYTES_MAX,
  endpointTimeoutMs: 10_000,
  resumesMax: 5,
  retryMs: 1000,
  inFlightMax: 1000,
  connectTimeoutMs: 10_000,
  idleMs: 4000,
  acknowledgeMs: 30_000,
  closeTimeoutMs: 2000,
  onLost: () => {},
};

/** Most bytes of a refusal that are read, and how long that may take, ms. */
const REFUSAL_IDLE_MS = 5000;

/**
 * Connects to an HTTP+SSE server at an `sse+http:` or `sse+https:` URL: opens its stream and waits until it
 * has named the address for messages.
 *
 * @throws {TransportError} when it cannot be reached or trusted, is no such server, or names an address of
 * another origin
 */
export async function dialSse(
  endpoint: Endpoint,
  signal: AbortSignal,
  options: SseClientOptions = {},
): Promise<Connection> {
  const settings = { ...DEFAULTS, ...options };
  const url = new URL(endpoint.url.href.replace(/^sse\+/, ""));
  const agent = await dialAgent(url, signal, settings);
  const plain = { ...endpoint, url: withoutTlsParameters(url) };
  const connection = new SseClientConnection(plain, agent, settings);
  const abort = () => connection.abort(unavailable("the attempt was given up", "not_sent"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) abort();
    await connection.open();
    return connection;
  } catch (error) {
    connection.abort(failureOf(error));
    throw new TransportError(`Cannot connect to ${url.host}: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** One event stream and the POSTs beside it. */
class SseClientConnection implements Connection {
  readonly kind = "connection";
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #endpoint: Endpoint;
  readonly #settings: Settings;
  readonly #agent: UpstreamAgent;
  readonly #inbox: Inbox;
  readonly #sender: Sender;
  readonly #reader: EventReader;
  readonly #flights = new Flights();
  readonly #end = Promise.withResolvers<void>();
  /** Requests without an answer, by their ids. */
  readonly #open = new Map<string | number, Message>();
  #messages: HttpSession | undefined;
  #hasEnded = false;
  #closing: Promise<void> | undefined;
  #answered = Promise.withResolvers<void>();
  #failWrites!: (error: TransportError) => void;

  constructor(endpoint: Endpoint, agent: UpstreamAgent, settings: Settings) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#agent = agent;
    this.peer = { transport: "sse", address: endpoint.url.host };
    this.#inbox = new Inbox(settings.bufferBytesMax, () => void this.#close(false));
    this.readable = this.#inbox.readable;
    this.#sender = new Sender(this.#send, settings);
    this.writable = new WritableStream<Batch>({
      start: (controller) => {
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => {
          this.#failWrites = () => {}; // they fail already, with the reason given
          this.#finish(this.#broken(signal.reason));
        });
        this.#failWrites = (error) => controller.error(error);
      },
      write: (batch) => this.#write(batch),
      close: () => {
        this.#failWrites = () => {}; // none can follow, and erroring would undo the orderly close
        return this.#close(true);
      },
    }, { highWaterMark: settings.bufferBytesMax, size: byteLengthOf });
    this.closed = this.#end.promise;
    this.closed.catch(() => {}); // whoever asks gets the rejection; nobody has to ask
    this.#reader = new EventReader(
      new HttpSession(endpoint.url, agent, endpoint.headers, endpoint.authorizer),
      endpoint.url,
      settings,
      {
        deliver: (message) => this.#deliver(message),
        room: () => this.#inbox.room(),
        bad: (problem) => settings.onLost(reasonOf(problem)),
      },
    );
  }

  /** Resolves when messages can be sent. */
  async open(): Promise<void> {
    const { headers, authorizer } = this.#endpoint;
    const address = await this.#reader.open();
    this.#messages = new HttpSession(address, this.#agent, headers, authorizer);
    this.#reader.run().then(() => this.#finish(), (error) => this.#finish(this.#broken(error)));
  }

  abort(reason: GatewayError): void {
    this.#finish(this.#broken(reason));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(false);
  }

  async #write(batch: Batch): Promise<void> {
    await this.#sender.push(batch);
  }

  /** Ends in order: what was written leaves first, and answers are waited for if they are wanted. */
  #close(waitForAnswers: boolean): Promise<void> {
    return this.#closing ??= this.#closeOnce(waitForAnswers);
  }

  async #closeOnce(waitForAnswers: boolean): Promise<void> {
    const timeout = new Flight();
    const late = timeout.pause(this.#settings.closeTimeoutMs);
    await Promise.race([this.#sender.idle(), late, this.closed.catch(() => {})]);
    if (waitForAnswers && !this.#hasEnded) await Promise.race([this.#lastAnswers(), late]);
    else if (this.#reader.isResumable) await Promise.race([this.#sayGoodbye(), late]);
    timeout.abort(CLOSED);
    this.#finish();
  }

  /** A server that would wait for us to come back is told that we have nothing more to say, and ends the stream. */
  async #lastAnswers(): Promise<void> {
    if (this.#reader.isResumable && await this.#sayGoodbye()) return await this.#end.promise;
    while (this.#open.size > 0 && !this.#hasEnded) await this.#answered.promise;
  }

  /** Whether the server has understood. */
  async #sayGoodbye(): Promise<boolean> {
    const flight = new Flight();
    const timer = setTimeout(() => flight.abort(CLOSED), this.#settings.closeTimeoutMs);
    try {
      this.#reader.expectEnd();
      const answer = await this.#messages!.delete(flight);
      discard(answer);
      return answer.statusCode! < 300;
    } catch { // it will notice by itself, sooner or later
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #finish(broken?: TransportError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failOpen();
    this.#reader.stop(CLOSED);
    this.#flights.abort(CLOSED);
    this.#flights.close();
    this.#agent.destroy();
    this.#answered.resolve();
    if (broken === undefined) {
      this.#inbox.close();
      this.#failWrites(this.#broken("it is closed"));
      this.#end.resolve();
    } else {
      this.#inbox.break(broken);
      this.#failWrites(broken);
      this.#end.reject(broken);
    }
  }

  /** Answers what never left; what did leave is for whoever sees the connection end. */
  #failOpen(): void {
    for (const message of this.#sender.takeUnsent()) {
      if (message.kind !== "request") continue;
      this.#deliver(failure(message.id, unavailable("connection lost", "not_sent")));
    }
  }

  #broken(reason: unknown): TransportError {
    return new TransportError(`Cannot use ${this.peer.address}: ${reasonOf(reason)}`);
  }

  #deliver(message: Message): void {
    if (message.kind === "response" && message.id !== undefined) {
      this.#open.delete(idKey(message.id));
      if (this.#open.size === 0) {
        this.#answered.resolve();
        this.#answered = Promise.withResolvers<void>();
      }
    }
    this.#inbox.deliverOne(message);
  }

  readonly #send = (message: Message, onOrdered: () => void, onLanded: () => void): void => {
    const flight = new Flight();
    this.#flights.add(flight);
    this.#post(message, flight)
      .catch((error) => this.#lost(message, error))
      .finally(() => {
        this.#flights.delete(flight);
        onOrdered();
        onLanded();
      });
  };

  async #post(message: Message, flight: Flight): Promise<void> {
    const isRequest = message.kind === "request";
    if (isRequest) this.#open.set(idKey(message.id!), message);
    flight.allow(this.#settings.acknowledgeMs);
    const answer = await this.#messages!.post(message, flight);
    flight.allow(Infinity);
    if (answer.statusCode! < 300) return void discard(answer);
    await this.#refused(message, answer, flight);
  }

  async #refused(message: Message, answer: IncomingMessage, flight: Flight): Promise<void> {
    if (answer.statusCode === 404) {
      discard(answer);
      this.#lost(message, unavailable("it does not know the connection any more", "not_sent"));
      this.#finish(this.#broken("the server does not know the connection any more"));
    } else if (message.kind === "request") {
      const refusal = await refusalOf(answer, flight, message.id!, REFUSAL_IDLE_MS);
      if (refusal instanceof Error) throw refusal;
      this.#deliver(refusal);
    } else {
      discard(answer);
      throw new TransportError(`Cannot deliver message: status ${answer.statusCode}`);
    }
  }

  #lost(message: Message, error: unknown): void {
    if (this.#hasEnded) return;
    if (message.kind === "request") this.#deliver(failure(message.id, failureOf(error)));
    else this.#settings.onLost(failureOf(error).message);
  }
}

const CLOSED = unavailable("the connection was closed", "unknown");
