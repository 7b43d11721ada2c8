/**
 * A client as one of several servers sees it. Servers choose the ids of their questions freely, so each
 * id, and each progress token, goes on to the client's session under a tag that names the server.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What of a server's notification goes on to the client; `undefined` for none. */
export type NotificationFilter = (message: Message) => Message | undefined;

/** One client towards one server, for as long as the client's session lasts or until it is ended before. */
export class MemberSession implements Session {
  readonly id: string;
  readonly isSessionless: boolean;
  readonly signal: AbortSignal;
  /** Which of the servers, by its number. */
  readonly member: number;
  readonly #base: Session;
  readonly #filter: NotificationFilter;
  readonly #end = new AbortController();

  constructor(base: Session, member: number, filter: NotificationFilter) {
    this.id = base.id;
    this.isSessionless = base.isSessionless;
    this.member = member;
    this.#base = base;
    this.#filter = filter;
    this.signal = this.#end.signal;
    const ended = () => this.#end.abort(base.signal.reason);
    if (base.signal.aborted) ended();
    else base.signal.addEventListener("abort", ended, { once: true, signal: this.signal });
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
    return this.tagged(message, (question) => this.#base.ask(question));
  }

  cancelAsk(message: Message): void {
    if (message.requestId === undefined) return;
    this.#base.cancelAsk(message.withRequestId(tag(this.member, message.requestId)));
  }

  /** What of a notification goes on to the client. */
  filtered(message: Message): Message | undefined {
    return this.#filter(message);
  }

  /** Asks under a tagged id; the answer comes back under the server's own. */
  async tagged(question: Message, ask: (question: Message) => Promise<Message>): Promise<Message> {
    let sent = question.withId(tag(this.member, question.id!));
    const token = question.progressToken;
    if (token !== undefined) sent = sent.withProgressToken(tag(this.member, token));
    return (await ask(sent)).withId(question.id!);
  }

  /** Ends it before its client does. */
  end(): void {
    this.#end.abort(new GatewayError("InternalError", "Cannot use connection: it was given up"));
  }
}

/** A client's call on its way to one server. */
export class MemberCall implements Call {
  readonly message: Message;
  readonly session: MemberSession;
  readonly #call: Call;

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
    return this.session.tagged(message, (question) => this.#call.ask(question));
  }
}

/** A call of the gateway itself, in a client's name. */
export class OwnCall implements Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  /** Of its own: a signal that lives longer would collect listeners. */
  readonly signal = new AbortController().signal;

  constructor(message: Message, request: RequestInfo, session: Session) {
    this.message = message;
    this.request = request;
    this.session = session;
  }

  notify(message: Message): Promise<void> {
    return this.session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.session.ask(message);
  }
}

/** Stands for clients without sessions where the gateway asks a server for what it shows them. */
export class OwnSession implements Session {
  readonly id = "";
  readonly isSessionless = true;
  readonly protocolVersion = undefined;
  readonly callsInFlight = 0;
  readonly signal = new AbortController().signal;

  notify(): Promise<void> {
    return Promise.resolve(); // of no call, so for nobody
  }

  ask({ method }: Message): Promise<Message> {
    return Promise.reject(
      new GatewayError("MethodNotFound", `Cannot answer ${method}: there is no client`),
    );
  }

  cancelAsk(): void {
    // it was never asked
  }
}

/** The request behind what the gateway does for nobody in particular. */
export const NO_REQUEST: RequestInfo = {
  transport: "gateway",
  address: "gateway",
  header: () => undefined,
};

/** An id or token of a server as JSON text that names the server. */
function tag(member: number, raw: Uint8Array): Uint8Array {
  return encoder.encode(JSON.stringify(`${member}:${decoder.decode(raw)}`));
}

/** The server and its own id or token, out of a tagged one; `undefined` when it is none. */
export function untag(raw: Uint8Array): { member: number; raw: Uint8Array } | undefined {
  const text: unknown = JSON.parse(decoder.decode(raw));
  const match = typeof text === "string" ? /^(\d{1,9}):(.+)$/s.exec(text) : null;
  return match === null ? undefined : { member: Number(match[1]), raw: encoder.encode(match[2]) };
}
