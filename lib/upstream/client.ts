/**
 * Keeps one server reachable: dials when there is something to say, remembers the handshake, and
 * repeats it on a new connection when the old one is lost.
 *
 * @module
 */
import type { Connection } from "../core/connection.ts";
import { GatewayError, reasonOf, TransportError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { DIAL_MS } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { OpenedServer, Receiver } from "../core/upstream.ts";
import { Backoff } from "./backoff.ts";
import { Link, type LinkEvents, type LinkOptions, unavailable } from "./link.ts";

/** Opens a connection to the server. */
export type Dial = (signal: AbortSignal) => Promise<Connection>;

/** What is remembered of a completed handshake. */
interface Handshake {
  /** The `initialize` request. */
  readonly initialize: Message;
  /** Its answer. */
  readonly answer: Message;
  /** `notifications/initialized`, once it was sent. */
  initialized?: Message;
}

const BACKOFF = { firstMs: 100, maxMs: 5000 };
/** A server that takes nothing any more may still have written answers: so long they are waited for, ms. */
const LAST_ANSWERS_MS = 1000;

/** One logical connection to one server, over any number of real ones. */
export class UpstreamClient implements OpenedServer {
  readonly name: string;
  readonly #dial: Dial;
  readonly #receiver: Receiver;
  readonly #events: LinkEvents;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff(BACKOFF);
  #handshake: Handshake | undefined;
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  #shaking: Promise<Message> | undefined;

  constructor(
    name: string,
    dial: Dial,
    receiver: Receiver,
    events: LinkEvents,
    options: LinkOptions,
  ) {
    this.name = name;
    this.#dial = dial;
    this.#receiver = receiver;
    this.#events = events;
    this.#options = options;
  }

  /** Calls in flight. */
  get load(): number {
    return this.#link?.load ?? 0;
  }

  waitingCalls(): Call[] {
    return this.#link?.waitingCalls() ?? [];
  }

  /** Dials now, so that the first call finds the connection there. */
  async prepare(): Promise<void> {
    await this.#connected();
  }

  /**
   * Sends a client's request. A request that the server cannot have seen is tried once more on a new
   * connection; any other loss is the client's to know (`data.outcome`).
   */
  async request(call: Call): Promise<Message> {
    try {
      const answer = await this.#requestOnce(call);
      if (!isUnsentAnswer(answer)) return answer;
    } catch (error) {
      if (!isUnsent(error) || this.#closing.signal.aborted) throw error;
    }
    return await this.#requestOnce(call);
  }

  async ask(message: Message): Promise<Message> {
    const link = this.#live ?? await this.#connected();
    return await link.ask(message);
  }

  async handshake(initialize: Message, initialized: Message): Promise<Message> {
    if (this.#handshake !== undefined) return this.#handshake.answer;
    this.#shaking ??= this.#shakeHands(initialize, initialized).finally(() =>
      this.#shaking = undefined
    );
    return await this.#shaking;
  }

  async send(message: Message): Promise<void> {
    const link = this.#live ?? await this.#connected();
    if (message.method === "notifications/initialized" && this.#handshake !== undefined) {
      this.#handshake.initialized = message;
    }
    await link.send(message);
  }

  /** Forwards a client's cancellation; without a connection there is nothing to cancel. */
  cancel(session: Session, message: Message): void {
    this.#link?.cancel(session, message);
  }

  abandon(call: Call): void {
    this.#link?.abandon(call);
  }

  cancelAll(session: Session): void {
    this.#link?.cancelAll(session);
  }

  async undoHandshake(): Promise<void> {
    await this.#shaking?.catch(() => {}); // whoever waits for it is told
    if (this.#handshake === undefined) return;
    const link = this.#link;
    this.#handshake = undefined;
    this.#link = undefined;
    await link?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new TransportError(`Cannot use upstream ${this.name}: closed`));
    const link = this.#link ?? await this.#connecting?.catch(() => undefined);
    await link?.[Symbol.asyncDispose]();
  }

  async #requestOnce(call: Call): Promise<Message> {
    const link = this.#live ?? await this.#connected();
    const answer = await link.request(call);
    if (call.message.method === "initialize" && !answer.isError) {
      this.#handshake = { initialize: call.message, answer };
    }
    return answer;
  }

  async #shakeHands(initialize: Message, initialized: Message): Promise<Message> {
    const link = await this.#connected();
    const answer = await link.ask(initialize);
    if (!answer.isError) {
      this.#handshake = { initialize, answer, initialized };
      await link.send(initialized);
    }
    return answer;
  }

  /** The connection, as long as it can be used. */
  get #live(): Link | undefined {
    return this.#link?.alive ? this.#link : undefined;
  }

  #connected(): Promise<Link> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    return this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
  }

  async #connect(): Promise<Link> {
    try {
      if (this.#link !== undefined) await bury(this.#link);
      await delay(this.#backoff.delayMs, this.#closing.signal);
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DIAL_MS)]);
      const connection = await this.#dial(signal);
      const link = new Link(this.name, connection, this.#receiver, this.#events, this.#options);
      link.ended.then(() => this.#lost(link));
      if (this.#handshake !== undefined) await this.#replay(link, this.#handshake);
      this.#link = link.alive ? link : undefined;
      return link;
    } catch (error) {
      this.#backoff.failed();
      throw error instanceof GatewayError
        ? error
        : unavailable(this.name, reasonOf(error), "not_sent");
    }
  }

  /** Brings a new connection to where the old one was. */
  async #replay(link: Link, { initialize, initialized }: Handshake): Promise<void> {
    const { signal } = this.#closing;
    const stop = () => void link[Symbol.asyncDispose](); // a session that ends need not wait for the answer
    signal.addEventListener("abort", stop, { once: true });
    try {
      const answer = await link.ask(initialize);
      if (answer.isError) throw new TransportError("it refused to be initialized again");
      if (initialized !== undefined) await link.send(initialized);
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** A server that never answered anything is not worth hurrying for. */
  #lost(link: Link): void {
    if (this.#link === link) this.#link = undefined;
    if (link.hasAnswered) this.#backoff.succeeded();
    else this.#backoff.failed();
    if (!this.#closing.signal.aborted) void link[Symbol.asyncDispose]();
  }
}

function isUnsent(error: unknown): boolean {
  return error instanceof GatewayError && outcomeOf(error.data) === "not_sent";
}

/** Transports over HTTP tell the failure of one request by an answer to it. */
function isUnsentAnswer(answer: Message): boolean {
  return answer.isError && outcomeOf(answer.json().error.data) === "not_sent";
}

function outcomeOf(data: unknown): unknown {
  return (data as { outcome?: unknown } | null | undefined)?.outcome;
}

/** Ends a connection that is of no use any more. */
async function bury(link: Link): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, LAST_ANSWERS_MS));
  await Promise.race([link.ended, timeout]);
  clearTimeout(timer);
  await link[Symbol.asyncDispose]();
}

/** Resolves after a time; rejects with the signal's reason when it aborts before. */
async function delay(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms === 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
