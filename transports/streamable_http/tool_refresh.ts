/**
 * Asking a server for its tools because a call was refused for its headers.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";
import { META_PREFIX } from "../../lib/core/eras.ts";
import { Message } from "../../lib/core/message.ts";
import type { MetaField } from "../../lib/core/message_context.ts";
import { RawObject } from "../../lib/core/raw_object.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import { discard, offProtocol } from "../http/answer.ts";
import { Flight, type Flights } from "../http/flight.ts";
import type { ClientLimits } from "./call.ts";
import type { ParamHeaders } from "../../lib/core/param_headers.ts";
import { formOf, readDocument, readEvents } from "./reply.ts";
import type { HttpSession } from "./session.ts";

/** Pages of one list that are read. */
const PAGES_MAX = 100;
/** Deadline of a whole list, ms. */
const LIST_MS = 30_000;
/** Fields by which a server may tell its askers apart. */
const FIELDS: readonly MetaField[] = ["protocolVersion", "clientInfo", "clientCapabilities"];

const decoder = new TextDecoder();

/** Lists tools; calls that are refused together share one list. */
export class ToolRefresh {
  readonly #session: HttpSession;
  readonly #params: ParamHeaders;
  readonly #flights: Flights;
  readonly #limits: ClientLimits;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(
    session: HttpSession,
    params: ParamHeaders,
    flights: Flights,
    limits: ClientLimits,
  ) {
    this.#session = session;
    this.#params = params;
    this.#flights = flights;
    this.#limits = limits;
  }

  /** Learns from the list that the asker of a call would get. False when there is none to be had. */
  run(call: Message): Promise<boolean> {
    const meta = protocolFieldsOf(call), key = decoder.decode(meta);
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#list(meta).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }

  async #list(meta: Uint8Array): Promise<boolean> {
    const flight = new Flight();
    this.#flights.add(flight);
    const timer = setTimeout(() => flight.abort(late()), LIST_MS);
    try {
      let cursor: unknown;
      for (let page = 0; page < PAGES_MAX; page++) {
        const answer = await this.#page(listRequest(page, meta, cursor), flight);
        if (answer.isError) return false;
        this.#params.learn(answer);
        cursor = answer.json().result?.nextCursor;
        if (typeof cursor !== "string") return true;
      }
      return true;
    } catch { // the call that was refused has its answer: the refusal
      return false;
    } finally {
      clearTimeout(timer);
      this.#flights.delete(flight);
    }
  }

  async #page(asked: Message, flight: Flight): Promise<Message> {
    const answer: IncomingMessage = await this.#session.postSingle(asked, flight, {});
    if (answer.statusCode !== 200) {
      discard(answer);
      throw offProtocol(`status ${answer.statusCode} is no list of tools`);
    }
    const { messageBytesMax, bodyIdleMs } = this.#limits;
    if (formOf(answer) === "json") {
      return await readDocument(answer, flight, bodyIdleMs, messageBytesMax);
    }
    const taker = new LastResponse();
    await readEvents(answer, flight, new SseDecoder(messageBytesMax), taker);
    if (taker.response === undefined) throw offProtocol("it has no list of tools");
    return taker.response;
  }
}

/** Keeps the response of a stream; what came before it is for nobody. */
class LastResponse {
  response: Message | undefined;

  get isSettled(): boolean {
    return this.response !== undefined;
  }

  take(message: Message): void {
    if (message.kind === "response") this.response = message;
  }

  room(): undefined {
    return undefined;
  }
}

function protocolFieldsOf(call: Message): Uint8Array {
  const meta = new RawObject();
  for (const field of FIELDS) {
    const raw = call.metaField(field);
    if (raw !== undefined) meta.set(META_PREFIX + field, raw);
  }
  return meta.bytes();
}

function listRequest(page: number, meta: Uint8Array, cursor: unknown): Message {
  const params = new RawObject().set("_meta", meta);
  if (cursor !== undefined) params.put("cursor", cursor);
  const whole = new RawObject().put("jsonrpc", "2.0").put("id", `tools-for-headers-${page}`)
    .put("method", "tools/list").set("params", params.bytes());
  return Message.from(whole.bytes());
}

function late(): GatewayError {
  return new GatewayError("UpstreamTimeout", "Cannot list tools: it has not answered in time");
}
