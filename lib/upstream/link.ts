/**
 * One live connection to a server: questions go out under ids of our own and come back to whoever
 * asked; what the server says by itself goes to a {@link Receiver}. A link dies with its connection.
 *
 * @module
 */
import { failure, notification, request, result } from "../core/compose.ts";
import { Correlator, type Ticket } from "../core/correlator.ts";
import { GatewayError, reasonOf, toGatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { isListen, listenEnded, underSubscription } from "../core/listen.ts";
import type { Message } from "../core/message.ts";
import { idKey } from "../core/message_id.ts";
import { Outbox } from "../core/outbox.ts";
import type { Receiver } from "../core/upstream.ts";
import type { LinkEvents, LinkOptions } from "./link_options.ts";
import { cancelled, unavailable } from "./unsent.ts";
import { type DialledConnection, watched } from "./connection_watch.ts";

/** What is remembered of an open question. */
interface Question {
  /** The call behind it; `undefined` for questions of the gateway itself. */
  readonly call: Call | undefined;
  /** The message as it travels. */
  message: Message;
  readonly isEndless?: boolean;
}

/** A connection to a server with its open questions. Dispose it to close the connection. */
export class Link implements AsyncDisposable {
  readonly #name: string;
  readonly #connection: DialledConnection;
  readonly #receiver: Receiver;
  readonly #events: LinkEvents;
  readonly #outbox: Outbox;
  readonly #calls: Correlator<Question>;
  /** Resolves with the reason when the connection has ended, in whatever way. */
  readonly ended: Promise<string>;
  #alive = true;
  #hasAnswered = false;

  constructor(
    name: string,
    connection: DialledConnection,
    receiver: Receiver,
    events: LinkEvents,
    options: LinkOptions,
  ) {
    this.#name = name;
    this.#connection = connection;
    this.#receiver = receiver;
    this.#events = events;
    this.#outbox = new Outbox(connection, options.buffer);
    this.#calls = new Correlator<Question>({
      peer: `upstream ${name}`,
      deadlineMs: options.callDeadlineMs,
      hardDeadlineMs: options.callDeadlineHardMs,
      openMax: options.callsOpenMax,
      onExpired: (ticket) => this.#sendCancel(ticket, "deadline passed"),
    });
    this.ended = this.#run();
    const { watch } = connection;
    if (watch !== undefined) watch.ping = () => this.#answerTo({ ...PING });
  }

  /** Whether the connection still stands, and what is written to it goes somewhere. */
  get alive(): boolean {
    return this.#alive && !this.#outbox.failed;
  }

  /** Whether new calls should go this way. */
  get usable(): boolean {
    return this.alive && this.#connection.watch?.usable !== false;
  }

  /** Told when there is a better endpoint to move to. */
  set onSuperseded(move: () => void) {
    const { watch } = this.#connection;
    if (watch !== undefined) watch.onSuperseded = move;
  }

  /** Whether the server has answered any question. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Open questions. */
  get load(): number {
    return this.#calls.size;
  }

  /** Sends a client's request; resolves to the answer under the client's id. Rejects with a `GatewayError`. */
  async request(call: Call): Promise<Message> {
    if (!this.alive) throw unavailable(this.#name, "connection lost", "not_sent");
    const { message } = call;
    const answer = await this.#exchange({ call, message });
    if (isListen(message)) return underSubscription(answer, message.id!);
    return answer.withId(message.id!);
  }

  /** Sends a request of the gateway itself; the answer keeps the gateway's id. */
  ask(message: Message, isEndless = false): Promise<Message> {
    return this.#exchange({ call: undefined, message, isEndless });
  }

  /** Sends a message that has no answer. */
  send(message: Message): Promise<void> | undefined {
    return this.#outbox.admit(message);
  }

  /** Forwards a client's `notifications/cancelled` under the id that the server knows. */
  cancel(session: Session, message: Message): void {
    if (message.requestId === undefined) return;
    const key = idKey(message.requestId);
    const [ticket] = this.#calls.where(({ call }) =>
      call?.session === session && idKey(call.message.id!) === key
    );
    if (ticket === undefined) return;
    if (!this.#outbox.withdraw(ticket.tag.message)) {
      this.#outbox.push(message.withRequestId(ticket.id));
    }
    this.#calls.fail(ticket, cancelled());
  }

  /** Cancels a call that nobody waits for any more. */
  abandon(call: Call): void {
    for (const ticket of this.#calls.where((question) => question.call === call)) {
      this.#sendCancel(ticket, "client has gone");
      this.#calls.fail(ticket, cancelled());
    }
  }

  /** Cancels every call of a session that has gone. */
  cancelAll(session: Session): void {
    for (const ticket of this.#calls.where(({ call }) => call?.session === session)) {
      this.#sendCancel(ticket, "client has gone");
      this.#calls.fail(ticket, cancelled());
    }
  }

  /** Calls that wait for an answer on this link. */
  waitingCalls(): Call[] {
    return this.#calls.where(() => true).flatMap(({ tag }) => tag.call ?? []);
  }

  /** Ends the streams that have no end of their own; resolves when no call waits any more. */
  async finish(): Promise<void> {
    const streams = this.#calls.where(({ message }) => isListen(message));
    for (const ticket of streams) this.#calls.settle(listenEnded(ticket.id)); // they begin anew elsewhere
    while (this.load > 0) {
      await Promise.allSettled(this.#calls.where(() => true).map(({ answer }) => answer));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alive = false;
    const closing = this.#outbox.close();
    await this.#connection[Symbol.asyncDispose]();
    await closing;
    await this.ended;
  }

  #exchange(question: Question): Promise<Message> {
    return watched(this.#connection.watch, () => this.#answerTo(question));
  }

  async #answerTo(question: Question): Promise<Message> {
    const ticket = this.#calls.issue(question, question.isEndless || isListen(question.message));
    const { tag, id } = ticket;
    tag.message = tag.message.withId(id).withProgressToken(id);
    const admission = this.#outbox.admit(tag.message);
    if (admission !== undefined) {
      ticket.answer.catch(() => {}); // may fail while we still wait for room; awaited below
      await admission.catch((error) => this.#calls.fail(ticket, this.#notAdmitted(error)));
    }
    return await ticket.answer;
  }

  #notAdmitted(error: GatewayError): GatewayError {
    return this.#outbox.failed ? unavailable(this.#name, "connection lost", "not_sent") : error;
  }

  /** Reads until the connection ends, then fails what is open. */
  async #run(): Promise<string> {
    let reason = "connection closed";
    try {
      for await (const batch of this.#connection.readable) {
        for (const message of batch) {
          const room = this.#take(message);
          if (room !== undefined) await room;
        }
      }
      await this.#connection.closed;
    } catch (error) {
      reason = reasonOf(error);
    }
    this.#alive = false;
    this.#calls.failAll((ticket) => this.#lost(ticket, reason));
    this.#calls[Symbol.dispose]();
    return reason;
  }

  /** Returns a promise only where the reader has to wait for the client. */
  #take(message: Message): Promise<void> | undefined {
    switch (message.kind) {
      case "response":
        if (this.#calls.settle(message)) this.#hasAnswered = true;
        else this.#events.lateAnswer();
        return undefined;
      case "notification":
        return this.#takeNotification(message);
      case "request":
        void this.#answer(message);
        return undefined;
      case "invalid":
        return this.#takeInvalid(message);
    }
  }

  #takeNotification(message: Message): Promise<void> | undefined {
    const { method, subscriptionId } = message;
    if (method === "notifications/progress") return this.#takeProgress(message);
    if (method === "notifications/cancelled") return void this.#takeCancellation(message);
    if (method === "notifications/tools/list_changed") this.#events.toolsChanged?.();
    const call = this.#callOf(subscriptionId ?? message.context?.cause);
    if (call !== undefined) return toClient(call, message.withSubscriptionId(call.message.id!));
    if (subscriptionId !== undefined) return void this.#events.lateAnswer(); // of a stream that has ended
    return this.#receiver.notify(message);
  }

  /** Of a request of the server, or of a listen stream that the server closes. */
  #takeCancellation(message: Message): void {
    const ticket = this.#calls.find(message.requestId);
    if (ticket !== undefined && isListen(ticket.tag.message)) {
      this.#calls.settle(listenEnded(ticket.id));
    } else this.#receiver.cancelAsk(message);
  }

  /** The call that travels under an id. */
  #callOf(id: Uint8Array | undefined): Call | undefined {
    return this.#calls.find(id)?.tag.call;
  }

  #takeProgress(message: Message): Promise<void> | undefined {
    const ticket = this.#calls.find(message.progressToken);
    const token = ticket?.tag.call?.message.progressToken;
    if (ticket === undefined || token === undefined) return void this.#events.lateAnswer();
    this.#calls.prolong(ticket);
    return toClient(ticket.tag.call!, message.withProgressToken(token));
  }

  /** A broken answer that still names its call fails that call; anything else costs only itself. */
  #takeInvalid(message: Message): undefined {
    const problem = message.problem!;
    this.#events.badMessage(problem);
    const error = new GatewayError(
      "UpstreamProtocolError",
      `Cannot understand upstream ${this.#name}: ${problem.message}`,
    );
    const ticket = this.#calls.find(message.id);
    if (ticket !== undefined) this.#calls.fail(ticket, error);
    if (!problem.fatal) return;
    this.#alive = false;
    this.#calls.failAll(() => error);
    this.#connection.abort(error);
  }

  async #answer(request: Message): Promise<void> {
    const id = request.id!;
    if (request.method === "ping") return this.#outbox.push(result(id, {}));
    using _hold = this.#calls.hold();
    try {
      const asked = this.#callOf(request.context?.cause) ?? this.#receiver;
      this.#outbox.push((await asked.ask(request)).withId(id));
    } catch (error) {
      this.#outbox.push(failure(id, toGatewayError(error)));
    }
  }

  /** What still waits in line is taken back instead: the server must not see it after its cancellation. */
  #sendCancel(ticket: Ticket<Question>, reason: string): void {
    if (this.#outbox.withdraw(ticket.tag.message)) return;
    this.#outbox.push(
      notification("notifications/cancelled", { requestId: 0, reason }).withRequestId(ticket.id),
    );
  }

  /** Whether the server can have seen the request decides what the client may do next. */
  #lost(ticket: Ticket<Question>, reason: string): GatewayError {
    const unsent = this.#outbox.isUnsent(ticket.tag.message);
    return unavailable(this.#name, reason, unsent ? "not_sent" : "unknown");
  }
}

const PING: Question = { call: undefined, message: request(0, "ping"), isEndless: true };

/** A client that has gone, or broke, must not cost the others their connection. */
function toClient(call: Call, message: Message): Promise<void> {
  return call.notify(message).catch(() => {});
}
