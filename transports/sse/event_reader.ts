/**
 * The event stream of an HTTP+SSE server as a client reads it: the first event names the address for
 * messages; a stream that breaks is resumed where the server gave ids.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { type GatewayError, TransportError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { type ServerEvent, SseDecoder } from "../../lib/framing/sse_events.ts";
import { discard, mediaType, readChunks } from "../http/answer.ts";
import { Flight } from "../http/flight.ts";
import { eventIdHeader, type HttpSession } from "../streamable_http/session.ts";

/** Limits of a reader. */
export interface EventReaderLimits {
  readonly messageBytesMax: number;
  /** Until the server has named the address for messages, ms. */
  readonly endpointTimeoutMs: number;
  /** Tries to resume a broken stream without getting any further. */
  readonly resumesMax: number;
  /** Waited before a stream is resumed where the server names no time, ms. */
  readonly retryMs: number;
}

/** Where the messages go. */
export interface EventReaderHooks {
  deliver(message: Message): void;
  /** `undefined` when the reader of the messages keeps up, else resolves when it does again. */
  room(): Promise<void> | undefined;
  /** An event was no message. */
  bad(problem: unknown): void;
}

/** Longest wait that a server may ask for, ms. */
const RETRY_MS_MAX = 60_000;

/** Reads one server's events until it is stopped or the stream is lost. */
export class EventReader {
  readonly #session: HttpSession;
  readonly #url: URL;
  readonly #limits: EventReaderLimits;
  readonly #hooks: EventReaderHooks;
  readonly #flight = new Flight();
  #reading: Promise<unknown> | undefined;
  #named: PromiseWithResolvers<URL> | undefined;
  #address: URL | undefined;
  #lastEventId = "";
  #retryMs: number;
  #tries = 0;
  #isLast = false;

  constructor(session: HttpSession, url: URL, limits: EventReaderLimits, hooks: EventReaderHooks) {
    this.#session = session;
    this.#url = url;
    this.#limits = limits;
    this.#hooks = hooks;
    this.#retryMs = limits.retryMs;
  }

  /** Whether the server gives ids, so that it may wait for us when the stream breaks. */
  get isResumable(): boolean {
    return this.#lastEventId !== "";
  }

  /**
   * Opens the stream. Resolves with the address for messages.
   *
   * @throws {TransportError} not an event stream, no address in time, or one of another origin
   */
  async open(): Promise<URL> {
    const { endpointTimeoutMs } = this.#limits;
    const late = new TransportError(`it named no endpoint within ${endpointTimeoutMs} ms`);
    const look = () => {
      if (this.#session.isProving) return void (timer = setTimeout(look, endpointTimeoutMs));
      this.#named?.reject(late);
      this.stop(late);
    };
    let timer = setTimeout(look, endpointTimeoutMs);
    try {
      const answer = await this.#session.get(this.#flight);
      if (!isEventStream(answer)) throw notAStream(answer);
      return await this.#begin(answer);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Reads on. Resolves when the stream was stopped or the server ended it for good.
   *
   * @throws what broke a stream that cannot be resumed
   */
  async run(): Promise<void> {
    while (this.#flight.reason === undefined) {
      const outcome = await this.#reading;
      if (isFatal(outcome)) throw outcome;
      if (!this.isResumable || this.#isLast) return this.#over(outcome);
      await this.#resume();
    }
  }

  #over(outcome: unknown): void {
    if (this.#flight.reason === undefined && outcome !== ENDED) throw outcome;
  }

  /** The next end of the stream is the last. */
  expectEnd(): void {
    this.#isLast = true;
  }

  /** Ends the stream. */
  stop(reason: Error): void {
    this.#flight.abort(reason as GatewayError);
    this.#named?.reject(reason);
  }

  /** Starts to read a stream. Resolves when its address is known. */
  #begin(answer: IncomingMessage): Promise<URL> {
    const named = this.#named = Promise.withResolvers<URL>();
    this.#reading = this.#read(answer).then((outcome) => {
      named.reject(outcome);
      return outcome;
    });
    return named.promise;
  }

  /** Resolves with what ended the stream. */
  async #read(answer: IncomingMessage): Promise<unknown> {
    const decoder = new SseDecoder(this.#limits.messageBytesMax);
    try {
      await readChunks(answer, this.#flight, Infinity, (chunk) => {
        for (const event of decoder.push(chunk)) this.#take(event);
        if (decoder.lastEventId !== "") this.#lastEventId = decoder.lastEventId;
        this.#retryMs = decoder.retryMs ?? this.#retryMs;
        return this.#hooks.room();
      });
      return ENDED;
    } catch (error) {
      return error;
    }
  }

  #take({ type, data }: ServerEvent): void {
    if (type === "endpoint") this.#takeAddress(new TextDecoder().decode(data));
    else if (type === "message" && data.length > 0) {
      const message = Message.from(data);
      if (message.kind === "invalid") this.#hooks.bad(message.problem);
      else this.#hooks.deliver(message);
    }
  }

  #takeAddress(text: string): void {
    const address = URL.canParse(text, this.#url) ? new URL(text, this.#url) : undefined;
    if (address?.origin !== this.#url.origin) {
      throw new Unusable("its endpoint is of another origin");
    }
    if (this.#address !== undefined && this.#address.href !== address.href) {
      throw new Unusable("it does not know the connection any more");
    }
    this.#address = address;
    this.#tries = 0;
    this.#named?.resolve(address);
  }

  async #resume(): Promise<void> {
    if (++this.#tries > this.#limits.resumesMax) throw new Unusable("its stream is lost");
    await this.#flight.pause(Math.min(this.#retryMs, RETRY_MS_MAX));
    if (this.#flight.reason !== undefined || this.#isLast) return;
    const header = eventIdHeader(this.#lastEventId);
    if (header === undefined) throw new Unusable("its event id fits into no header");
    const answer = await this.#session.get(this.#flight, header).catch(() => undefined);
    if (answer === undefined || answer.statusCode! >= 500) return void answer?.destroy();
    if (!isEventStream(answer)) throw notAStream(answer);
    this.#begin(answer).catch(() => {}); // `#reading` tells
  }
}

/** The server ended the stream in order. */
const ENDED = new TransportError("its stream ended");

/** What makes it pointless to try again. */
class Unusable extends TransportError {
  override name = "Unusable";
}

function isFatal(outcome: unknown): boolean {
  return outcome instanceof Unusable ||
    (outcome as GatewayError).failure === "UpstreamProtocolError";
}

function isEventStream(answer: IncomingMessage): boolean {
  return answer.statusCode === 200 && mediaType(answer) === "text/event-stream" &&
    answer.headers["content-encoding"] === undefined;
}

function notAStream(answer: IncomingMessage): Unusable {
  const status = answer.statusCode;
  discard(answer);
  return new Unusable(`it answers GET with no event stream (status ${status})`);
}
