/**
 * One legacy client: its calls under way, the questions it has been asked, and the ways to reach it.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import type { RequestInfo } from "../core/connection.ts";
import type { Session } from "../core/handler.ts";
import { Correlator, type Ticket } from "../core/correlator.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import { isListen, listenEnded } from "../core/listen.ts";
import type { Message } from "../core/message.ts";
import { IdTable } from "../core/id_table.ts";
import { type IdKey, idKey } from "../core/message_id.ts";
import { ownerOf } from "../core/owner.ts";
import type { Outlet } from "./outlet.ts";
import { SessionStreams } from "./streams.ts";

/** Limits of a session. */
export interface SessionOptions {
  /** A client that does not answer a question within this fails it, ms: people answer elicitations. */
  readonly askDeadlineMs: number;
  /** Questions to the client that may be open at once. */
  readonly asksOpenMax: number;
  /** Whether it lasts for one request only. */
  readonly isSessionless?: boolean;
}

/** A question to the client: the request under the asker's id, and the outlet it went to. */
interface Question {
  readonly request: Message;
  readonly outlet: Outlet;
}

/** What a session needs of a call under way. */
export interface OpenCall {
  readonly message: Message;
  /** Where its answer goes. */
  readonly outlet: Outlet;
  /** Key of its id; `undefined` for notifications. */
  readonly key: IdKey | undefined;
  /** Ends the call: its answer, should it still come, is dropped. */
  end(): void;
}

/** State of one client. Ended by its owner through {@link ClientSession.end}. */
export class ClientSession implements Session {
  readonly id: string;
  readonly isSessionless: boolean;
  protocolVersion: string | undefined;
  /** When the client was last heard of, monotonic ms. */
  lastSeenMs = monotonicMs();
  /** It ends when what has let its client in expires, ms since 1970. */
  provedUntilMs = Infinity;
  /** Answers that belonged to no question. */
  strayAnswers = 0;
  readonly #owner: string | undefined;
  readonly #calls = new IdTable<OpenCall>();
  readonly #questions: Correlator<Question>;
  readonly #controller = new AbortController();
  #general: Outlet | undefined;
  #streams: SessionStreams | undefined;
  #fewer: PromiseWithResolvers<void> | undefined;

  /** @param opening the request that opened it, where others may name its id */
  constructor(id: string, options: SessionOptions, opening?: RequestInfo) {
    this.id = id;
    this.isSessionless = options.isSessionless === true;
    this.#owner = opening && ownerOf(opening);
    this.#questions = new Correlator<Question>({
      peer: "the client",
      deadlineMs: options.askDeadlineMs,
      hardDeadlineMs: options.askDeadlineMs,
      openMax: options.asksOpenMax,
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Its streams over HTTP. */
  get streams(): SessionStreams {
    return this.#streams ??= new SessionStreams(this);
  }

  /** Whether a stream to the client is open for messages that belong to no call. */
  get listening(): boolean {
    return this.#general?.awaited === true;
  }

  /** Whether a request that names this session comes from whom it was opened for. */
  belongsTo(request: RequestInfo): boolean {
    return this.#owner === ownerOf(request);
  }

  /**
   * Registers a request that is being handled.
   *
   * @throws {GatewayError} InvalidRequest when its id is in flight already
   */
  begin(call: OpenCall): void {
    const key = call.key!;
    if (this.#calls.get(key) !== undefined) {
      throw new GatewayError(
        "InvalidRequest",
        "Cannot accept request: its id is in flight already",
      );
    }
    this.#calls.set(key, call);
  }

  /** Forgets a request that has been answered. */
  finish(call: OpenCall): void {
    const key = call.key!;
    if (this.#calls.get(key) !== call) return;
    this.#calls.delete(key);
    this.#signalFewer();
  }

  /** Ends the call that a cancellation names: nothing is answered to it any more. */
  cancel(message: Message): void {
    const call = message.requestId && this.#calls.get(idKey(message.requestId));
    if (call === undefined || call.message.method === "initialize") return;
    this.finish(call);
    call.end();
    call.outlet.drop();
  }

  /** Resolves when no more than so many calls are in flight, or the session has ended. */
  async below(callsMax: number): Promise<void> {
    while (this.#calls.size > callsMax) {
      this.#fewer ??= Promise.withResolvers<void>();
      await this.#fewer.promise;
    }
  }

  /** Makes an outlet the way for everything that belongs to no call. */
  listen(outlet: Outlet): void {
    this.#general = outlet;
  }

  /** Sends to the client; what belongs to no call waits on the general stream while nobody listens. */
  async notify(message: Message): Promise<void> {
    try {
      await (this.#route() ?? this.#general)?.send(message);
    } catch {
      // the client's only connection has broken, and the session ends with it
    }
  }

  ask(message: Message): Promise<Message> {
    const outlet = this.#route();
    if (outlet === undefined) return Promise.reject(unreachable("no stream to it is open"));
    return this.askOn(outlet, message);
  }

  async askOn(outlet: Outlet, request: Message): Promise<Message> {
    const ticket = this.#questions.issue({ request, outlet });
    outlet.send(request.withId(ticket.id).withProgressToken(ticket.id)).catch((error) =>
      this.#questions.fail(ticket, unreachable(error))
    );
    return (await ticket.answer).withId(request.id!);
  }

  cancelAsk(message: Message): void {
    if (message.requestId === undefined) return;
    const key = idKey(message.requestId);
    for (const ticket of this.#questions.where(({ request }) => idKey(request.id!) === key)) {
      const told = ticket.tag.outlet.send(message.withRequestId(ticket.id));
      told.catch(() => {}); // a client that has gone needs no cancellation
      this.#questions.fail(ticket, new GatewayError("InternalError", "Cannot answer: cancelled"));
    }
  }

  /** Takes the client's answer to a question. */
  settle(answer: Message): void {
    if (!this.#questions.settle(answer)) this.strayAnswers++;
  }

  /** Progress of the client on a question, under the asker's token; `undefined` when it belongs to none. */
  progressForAsker(message: Message): Message | undefined {
    const ticket: Ticket<Question> | undefined = this.#questions.find(message.progressToken);
    const token = ticket?.tag.request.progressToken;
    if (ticket === undefined || token === undefined) return undefined;
    this.#questions.prolong(ticket);
    return message.withProgressToken(token);
  }

  /** Ends listen streams in good order: nothing else would. */
  endListening(): void {
    for (const call of this.#calls.values()) {
      if (!isListen(call.message)) continue;
      this.finish(call);
      call.end();
      call.outlet.answer(listenEnded(call.message.id!));
    }
  }

  /** Answers every running call that its outcome is unknown: the gateway stops before the upstream answered. */
  giveUp(): void {
    for (const call of this.#calls.values()) {
      this.finish(call);
      call.end();
      call.outlet.refuse(
        new GatewayError(
          "UpstreamUnavailable",
          "Cannot wait for the answer: the gateway has stopped",
          {
            data: { outcome: "unknown" },
          },
        ),
        call.message.id,
      );
    }
  }

  /** Ends the session: its calls are cancelled, its questions fail, its streams close. */
  end(): void {
    if (this.signal.aborted) return;
    this.#controller.abort(new GatewayError("InternalError", "Cannot use session: it has ended"));
    for (const call of this.#calls.values()) {
      call.end();
      call.outlet.drop();
    }
    this.#calls.clear();
    this.#signalFewer();
    this.#questions[Symbol.dispose]();
    this.#general?.drop();
    this.#streams?.close();
  }

  /** To be called about every second: calls that take long get a stream, old streams are forgotten. */
  sweep(nowMs: number): void {
    for (const { outlet } of this.#calls.values()) outlet.waitOn?.(nowMs);
    this.#streams?.sweep(nowMs);
  }

  #signalFewer(): void {
    this.#fewer?.resolve();
    this.#fewer = undefined;
  }

  /**
   * The stream of the only call under way, because an unasked message most likely belongs to it; else
   * the general stream; else any call's.
   */
  #route(): Outlet | undefined {
    let found: Outlet | undefined;
    let count = 0;
    for (const { outlet } of this.#calls.values()) {
      if (!outlet.awaited || !outlet.streams) continue;
      found = outlet;
      if (++count > 1 && this.listening) return this.#general;
    }
    return count === 0 && this.listening ? this.#general : found;
  }
}

function unreachable(reason: unknown): GatewayError {
  return new GatewayError("InternalError", `Cannot ask the client: ${reasonOf(reason)}`);
}
