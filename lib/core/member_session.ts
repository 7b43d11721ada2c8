/**
 * A client as one of several servers sees it, and a call as it reaches that server. Servers choose the ids of
 * their questions freely, so these go on to the client under a name of the server ({@link withAsker}).
 *
 * @module
 */
import { askedBy, withAsker } from "./asker_name.ts";
import type { RequestInfo } from "./connection.ts";
import type { Call, Session } from "./handler.ts";
import type { Message } from "./message.ts";

/** What of a server's notification goes on to the client; `undefined` for none. */
export type NotificationFilter = (message: Message) => Message | undefined;

/** One client towards one of several servers. */
export class MemberSession implements Session {
  /** Which of the servers. */
  readonly member: number;
  readonly signal: AbortSignal;
  readonly #base: Session;
  readonly #filter: NotificationFilter;

  /** @param signal aborts when the client, or its place at this server, has ended */
  constructor(
    base: Session,
    member: number,
    filter: NotificationFilter,
    signal: AbortSignal = base.signal,
  ) {
    this.#base = base;
    this.member = member;
    this.#filter = filter;
    this.signal = signal;
  }

  get id(): string {
    return this.#base.id;
  }

  get isSessionless(): boolean {
    return this.#base.isSessionless;
  }

  get protocolVersion(): string | undefined {
    return this.#base.protocolVersion;
  }

  get callsInFlight(): number {
    return this.#base.callsInFlight;
  }

  async notify(message: Message): Promise<void> {
    const passed = this.filtered(message);
    if (passed !== undefined) await this.#base.notify(passed);
  }

  ask(message: Message): Promise<Message> {
    return askedBy(this.member, message, (question) => this.#base.ask(question));
  }

  cancelAsk(message: Message): void {
    if (message.requestId === undefined) return;
    this.#base.cancelAsk(message.withRequestId(withAsker(this.member, message.requestId)));
  }

  /** What of a notification goes on to the client. */
  filtered(message: Message): Message | undefined {
    return this.#filter(message);
  }
}

/** A client's call on its way to one of several servers. */
export class MemberCall implements Call {
  readonly message: Message;
  readonly session: MemberSession;
  readonly #call: Call;

  /** @param message what the server gets, which may be another than the client sent */
  constructor(call: Call, message: Message, session: MemberSession) {
    this.#call = call;
    this.message = message;
    this.session = session;
  }

  get request(): RequestInfo {
    return this.#call.request;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  async notify(message: Message): Promise<void> {
    const passed = this.session.filtered(message);
    if (passed !== undefined) await this.#call.notify(passed);
  }

  ask(message: Message): Promise<Message> {
    return askedBy(this.session.member, message, (question) => this.#call.ask(question));
  }
}
