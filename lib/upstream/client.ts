/**
 * Keeps one server reachable: dials when there is something to say, remembers the handshake, and
 * repeats it on a new connection when the old one is lost.
 *
 * @module
 */
import { GatewayError, reasonOf } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { DIAL_MS } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { OpenedServer, Receiver } from "../core/upstream.ts";
import { Backoff } from "./backoff.ts";
import type { Dial } from "./connection_watch.ts";
import { Link } from "./link.ts";
import type { LinkEvents, LinkOptions } from "./link_options.ts";
import { Links } from "./links.ts";
import { replay } from "./replay.ts";
import { Revival } from "./revival.ts";
import { type Handshake, isRemembered, StandingState } from "./standing_state.ts";
import { cancelled, isLeftAlone, isUnsent, isUnsentAnswer, unavailable, unsent } from "./unsent.ts";
import { atMost, pause } from "../core/waiting.ts";

export type { Dial };

const BACKOFF = { firstMs: 100, maxMs: 5000 };
/** That a connection over HTTP has ended is heard so much later than the refusal that ends it, ms, at most. */
const REFUSAL_MS = 10;
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
  readonly #revival: Revival;
  #standing = new StandingState();
  /** Requests under way, and answered, that change what the server holds of its client. */
  #changing = 0;
  #changes = 0;
  readonly #links = new Links();
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
    this.#dial = options.supervise?.(dial, this, this.#closing.signal) ?? dial;
    this.#receiver = receiver;
    this.#events = events;
    this.#options = options;
    this.#revival = new Revival(
      () => this.#live === undefined && this.#standing.isListening,
      () => this.#connected(),
      this.#closing.signal,
    );
  }

  /** Calls in flight. */
  get load(): number {
    return this.#links.load;
  }

  waitingCalls(): Call[] {
    return this.#links.waitingCalls();
  }

  /** Dials now, so that the first call finds the connection there. */
  async prepare(): Promise<void> {
    await this.#connected();
  }

  /**
   * Sends a client's request. A request that the server cannot have seen is tried once more on a new
   * connection; any other loss is the client's to know (`data.outcome`).
   */
  request(call: Call): Promise<Message> {
    return this.#twice(call, this.#requestOnce);
  }

  ask(message: Message): Promise<Message> {
    return this.#twice(message, this.#askOnce);
  }

  async handshake(initialize: Message, initialized?: Message): Promise<Message> {
    const shake = () => this.#shakeHands(initialize).finally(() => this.#shaking = undefined);
    const answer = this.#handshake?.answer ?? await this.#inTime(this.#shaking ??= shake());
    if (initialized !== undefined) await this.#complete(initialized);
    return answer;
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
    this.#links.cancel(session, message);
  }

  abandon(call: Call): void {
    this.#links.abandon(call);
  }

  cancelAll(session: Session): void {
    this.#links.cancelAll(session);
  }

  async undoHandshake(): Promise<void> {
    if (this.#handshake === undefined && this.#shaking === undefined) return;
    const link = this.#links.current;
    this.#standing = new StandingState();
    this.#links.current = undefined;
    await link?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(unavailable(this.name, "it is closed", "not_sent"));
    await this.#links[Symbol.asyncDispose]();
    const link = await this.#connecting?.catch(() => undefined);
    await link?.[Symbol.asyncDispose]();
    await this.#revival.ended;
  }

  get #handshake(): Handshake | undefined {
    return this.#standing.handshake;
  }

  /** Sends a request; once more when the server cannot have seen it. */
  async #twice<T>(what: T, send: (what: T) => Promise<Message>): Promise<Message> {
    try {
      const answer = await send(what);
      if (!isUnsentAnswer(answer)) return answer;
      await pause(REFUSAL_MS, this.#closing.signal);
    } catch (error) {
      if (!isUnsent(error) || this.#closing.signal.aborted) throw error;
    }
    return await send(what);
  }

  readonly #requestOnce = async (call: Call): Promise<Message> => {
    const { message } = call;
    const link = this.#live ?? await this.#connectedFor(call);
    if (!isRemembered(message)) return await link.request(call);
    return await this.#remembered(message, () => link.request(call));
  };

  readonly #askOnce = async (message: Message): Promise<Message> => {
    const link = this.#live ?? await this.#connected();
    if (!isRemembered(message)) return await link.ask(message);
    return await this.#remembered(message, () => link.ask(message));
  };

  /** Notes what the server holds from now on. */
  async #remembered(message: Message, send: () => Promise<Message>): Promise<Message> {
    const standing = this.#standing;
    let answer: Message | undefined;
    standing.begin(message);
    this.#changing++;
    try {
      return answer = await send();
    } finally {
      this.#changing--;
      this.#changes++;
      standing.end(message, answer);
    }
  }

  async #shakeHands(initialize: Message): Promise<Message> {
    try {
      const link = this.#live ?? await this.#connected();
      return await this.#remembered(initialize, () => link.ask(initialize, true));
    } catch (error) {
      throw unsent(error); // whatever waits for the handshake was not
    }
  }

  /** A server may take its time to start: whoever waits gives up, the handshake goes on. */
  async #inTime(shaking: Promise<Message>): Promise<Message> {
    let answer: Message | undefined;
    await atMost(this.#options.callDeadlineMs, shaking.then((came) => answer = came));
    if (answer !== undefined) return answer;
    const why = `Cannot reach upstream ${this.name}: it has not answered the handshake yet`;
    throw new GatewayError("UpstreamTimeout", why, { data: { outcome: "not_sent" } });
  }

  async #complete(initialized: Message): Promise<void> {
    if (this.#handshake === undefined || this.#handshake.initialized !== undefined) return;
    this.#handshake.initialized = initialized;
    if (this.#live !== undefined) await this.#live.send(initialized);
    else await this.#connected(); // which repeats all of the handshake
  }

  /** The connection, as long as it can be used. */
  get #live(): Link | undefined {
    const { current } = this.#links;
    return current?.usable ? current : undefined;
  }

  #connected(): Promise<Link> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    return this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
  }

  /** The connection for a call that somebody still waits for. */
  async #connectedFor(call: Call): Promise<Link> {
    const link = await this.#connected();
    if (!call.signal.aborted) return link;
    throw cancelled();
  }

  async #connect(): Promise<Link> {
    try {
      const { current } = this.#links;
      if (current?.alive === false) await bury(current);
      const changes = this.#changes;
      if (this.#dial.isPaced?.()) this.#backoff.succeeded();
      await pause(this.#backoff.delayMs, this.#closing.signal);
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DIAL_MS)]);
      const connection = await this.#dial(signal);
      const link = new Link(this.name, connection, this.#receiver, this.#events, this.#options);
      link.ended.then(() => this.#lost(link));
      if (this.#handshake !== undefined) await replay(link, this.#standing, this.#closing.signal);
      if (this.#live !== undefined && (this.#changing > 0 || this.#changes !== changes)) {
        this.#links.retire(link); // it was brought to where the old one is no more
        return this.#live;
      }
      this.#use(link);
      return link;
    } catch (error) {
      if (!isLeftAlone(error)) this.#backoff.failed();
      throw error instanceof GatewayError
        ? unsent(error)
        : unavailable(this.name, reasonOf(error), "not_sent");
    }
  }

  /** From now on calls go over this connection; one that stands already answers what it was asked. */
  #use(link: Link): void {
    const { current } = this.#links;
    if (current?.alive) this.#links.retire(current);
    this.#links.current = link.alive ? link : undefined;
    this.#revival.connected();
    link.onSuperseded = () => void this.#migrate(link);
  }

  /** Moves to a better endpoint: calls go over the old connection until the new one is ready. */
  async #migrate(link: Link): Promise<void> {
    if (this.#links.current === link && this.#changing === 0) {
      this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
      await this.#connecting.catch(() => {}); // then it stays where it is
    }
    if (this.#links.current === link) link.onSuperseded = () => void this.#migrate(link);
  }

  /** A server that never answered anything is not worth hurrying for. */
  #lost(link: Link): void {
    if (this.#links.current === link) this.#links.current = undefined;
    if (link.hasAnswered) this.#backoff.succeeded();
    else this.#backoff.failed();
    if (this.#closing.signal.aborted) return;
    void link[Symbol.asyncDispose]();
    this.#revival.lost();
  }
}

/** Ends a connection that is of no use any more. */
async function bury(link: Link): Promise<void> {
  await atMost(LAST_ANSWERS_MS, link.ended);
  await link[Symbol.asyncDispose]();
}
