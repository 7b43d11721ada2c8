/**
 * One request of the era without sessions: its POST and the answer. Closing the stream is what cancels
 * it; nothing is resumed.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError, WIRE_FORMS } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import { failureOf, offProtocol } from "../http/answer.ts";
import type { Asker } from "./asker.ts";
import type { ClientLimits } from "./call.ts";
import { areSameHeaders, type Headers, type ParamHeaders } from "../../lib/core/param_headers.ts";
import { refusalOf } from "./refusal.ts";
import { type EventTaker, formOf, readDocument, readEvents } from "./reply.ts";
import type { HttpSession } from "./session.ts";
import type { ToolRefresh } from "./tool_refresh.ts";

const NO_HEADERS: Headers = {};

/** What the calls of one connection know of its server's tools. */
export interface KnownTools {
  readonly params: ParamHeaders;
  readonly refresh: ToolRefresh;
}

/** A request on its way. */
export class SingleCall implements EventTaker {
  readonly #asker: Asker;
  readonly #session: HttpSession;
  readonly #tools: KnownTools;
  readonly #limits: ClientLimits;
  readonly #lasts: boolean;
  /** A refusal for the sake of headers that are ours: perhaps they are out of date. */
  #mismatch: Message | undefined;
  #mayRetry: boolean;

  constructor(asker: Asker, session: HttpSession, tools: KnownTools, limits: ClientLimits) {
    this.#asker = asker;
    this.#session = session;
    this.#tools = tools;
    this.#limits = limits;
    const { message } = asker;
    this.#lasts = lasts(message);
    // A client that spoke HTTP itself has sent its own: they are for the server to judge, and for the client to mend.
    this.#mayRetry = message.method === "tools/call" && message.context?.headers === undefined;
  }

  /** Sends the request and delivers what comes back, failures included. */
  async run(): Promise<void> {
    const { message, flight } = this.#asker;
    const { params } = this.#tools;
    try {
      const headers = this.#mayRetry ? params.headersOf(message) : NO_HEADERS;
      await this.#attempt(headers);
      if (this.#mismatch !== undefined) await this.#mend(this.#mismatch, headers);
    } catch (error) {
      this.#asker.fail(failureOf(flight.reason ?? error));
    }
  }

  get isSettled(): boolean {
    return this.#asker.isSettled || this.#mismatch !== undefined;
  }

  room(): Promise<void> | undefined {
    return this.#asker.room();
  }

  take(message: Message): void {
    const response = this.#asker.take(message);
    if (response !== undefined && !this.isSettled) this.#settle(response);
  }

  #settle(response: Message): void {
    if (this.#mayRetry && response.isError && isHeaderMismatch(response)) {
      this.#mismatch = response;
    } else if (this.#asker.message.method === "tools/list") {
      this.#asker.settle(this.#tools.params.learn(response));
    } else this.#asker.settle(response);
  }

  /** Calls again if the server's tool list asks for other headers: it refused the call before it did anything. */
  async #mend(mismatch: Message, sent: Headers): Promise<void> {
    const { message, flight } = this.#asker;
    this.#mayRetry = false;
    flight.allow(Infinity); // the list has a deadline of its own
    const isFresh = await this.#tools.refresh.run(message);
    if (this.#asker.isSettled) return;
    const headers = this.#tools.params.headersOf(message);
    if (!isFresh || areSameHeaders(sent, headers)) return this.#asker.settle(mismatch);
    this.#mismatch = undefined;
    await this.#attempt(headers);
  }

  async #attempt(headers: Headers): Promise<void> {
    const { message, flight } = this.#asker;
    flight.allow(this.#lasts ? Infinity : this.#limits.headersTimeoutMs);
    const answer = await this.#session.postSingle(message, flight, headers);
    if (answer.statusCode !== 200) return await this.#takeRefusal(answer);
    if (formOf(answer) === "json") return await this.#takeDocument(answer);
    const decoder = new SseDecoder(this.#limits.messageBytesMax);
    const broken = await readEvents(answer, flight, decoder, this);
    if (!this.isSettled) throw failureOf(flight.reason ?? broken);
  }

  async #takeDocument(answer: IncomingMessage): Promise<void> {
    const { messageBytesMax, bodyIdleMs } = this.#limits;
    const message = await readDocument(answer, this.#asker.flight, bodyIdleMs, messageBytesMax);
    if (!this.#asker.isFor(message)) throw offProtocol("it does not answer the request");
    this.take(message);
  }

  /** An answer with another status than 200; an error that names it tells the status, for whoever probes. */
  async #takeRefusal(answer: IncomingMessage): Promise<void> {
    const { message, flight } = this.#asker;
    const refusal = await refusalOf(answer, flight, message.id!, this.#limits.bodyIdleMs);
    if (refusal instanceof Message) return this.#settle(refusal);
    throw new GatewayError(refusal.failure, refusal.message, {
      data: { ...refusal.data as Readonly<Record<string, unknown>>, status: answer.statusCode },
    });
  }
}

/** Whether the answer of a request is a stream that lasts for as long as both sides like. */
export function lasts(message: Message): boolean {
  return message.method === "subscriptions/listen";
}

function isHeaderMismatch(response: Message): boolean {
  return response.json().error?.code === WIRE_FORMS.HeaderMismatch.code;
}
