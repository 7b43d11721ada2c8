/**
 * The HTTP requests towards one server, of a session or without one: which headers they carry, and sending them.
 *
 * @module
 */
import http from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Authorizer, ProofHeaders } from "../../lib/core/connection.ts";
import type { Message } from "../../lib/core/message.ts";
import { addTraceHeaders } from "../../lib/core/trace_context.ts";
import { targetOf, type UpstreamAgent } from "../http/agent.ts";
import { failureOf, offProtocol } from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";
import { sendProved } from "../http/proved.ts";
import type { Headers } from "../../lib/core/param_headers.ts";
import { singleHeaders } from "./single_headers.ts";

const ACCEPT_BOTH = "application/json, text/event-stream";
const EVENT_STREAM = "text/event-stream";
/** Session ids are visible ASCII (transports, session management). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
/** Bytes that a header value may carry. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Where a session's requests go, and what they have learned. */
export class HttpSession {
  /** Given by the server; `undefined` as long as it gave none. */
  id: string | undefined;
  readonly #options: http.RequestOptions;
  readonly #headers: Record<string, string>;
  readonly #authorizer: Authorizer | undefined;
  #proving = 0;
  #protocolVersion: string | undefined;

  /**
   * @param headers extra headers of every request; they may not replace the protocol's own
   * @param authorizer proves who asks, where the headers are not enough
   */
  constructor(
    url: URL,
    agent: UpstreamAgent,
    headers: Readonly<Record<string, string>> = {},
    authorizer?: Authorizer,
  ) {
    this.#authorizer = authorizer && {
      proof: () => authorizer.proof(),
      renewed: (refusal) => {
        this.#proving++;
        return authorizer.renewed(refusal).finally(() => this.#proving--);
      },
    };
    const target = targetOf(url);
    this.#options = {
      host: target.host,
      port: target.port,
      path: url.pathname + url.search,
      agent,
    };
    this.#headers = { host: url.host, "accept-encoding": "identity" };
    for (const [name, value] of Object.entries(headers)) this.#headers[name.toLowerCase()] = value;
  }

  /** Learns the session id of an answer to `initialize`. */
  learnId(answer: IncomingMessage): void {
    const id = answer.headers["mcp-session-id"];
    if (typeof id !== "string") return;
    if (!SESSION_ID.test(id)) throw offProtocol("its session id is not visible ASCII");
    this.id = id;
  }

  /** Learns the version that an initialize result names; later requests carry it. */
  learnVersion(initializeResult: Message): void {
    const version = initializeResult.json().result?.protocolVersion;
    if (typeof version === "string" && SESSION_ID.test(version)) this.#protocolVersion = version;
  }

  /** Whether a handshake has been made here. */
  get isNegotiated(): boolean {
    return this.id !== undefined || this.#protocolVersion !== undefined;
  }

  /** Whether a request waits for something better to prove who asks; that may be a person. */
  get isProving(): boolean {
    return this.#proving > 0;
  }

  /** Sends one message. Resolves with the head of the answer. */
  post(message: Message, flight: Flight): Promise<IncomingMessage> {
    return this.#open("POST", flight, ACCEPT_BOTH, undefined, message);
  }

  /**
   * Sends a request of the era without sessions: what is learned here means nothing to it.
   *
   * @param params `mcp-param-*` of the request
   * @throws {GatewayError} InvalidRequest when it cannot travel over HTTP
   */
  // deno-lint-ignore require-await -- so that all failures are rejections
  async postSingle(message: Message, flight: Flight, params: Headers): Promise<IncomingMessage> {
    const headers = singleHeaders(message, this.#headers, params);
    addTraceHeaders(headers, message.context?.trace);
    headers.accept = ACCEPT_BOTH;
    return this.#send("POST", flight, headers, message.bytes);
  }

  /** Opens a stream, after an event if one is named. */
  get(flight: Flight, lastEventId?: string): Promise<IncomingMessage> {
    return this.#open("GET", flight, EVENT_STREAM, lastEventId);
  }

  /** Ends the session at the server. */
  delete(flight: Flight): Promise<IncomingMessage> {
    return this.#open("DELETE", flight, ACCEPT_BOTH);
  }

  #open(
    method: "POST" | "GET" | "DELETE",
    flight: Flight,
    accept: string,
    lastEventId?: string,
    message?: Message,
  ): Promise<IncomingMessage> {
    const headers: Record<string, string | number> = { ...this.#headers, accept };
    if (this.id !== undefined) headers["mcp-session-id"] = this.id;
    if (this.#protocolVersion !== undefined) {
      headers["mcp-protocol-version"] = this.#protocolVersion;
    }
    if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
    addTraceHeaders(headers, message?.context?.trace);
    return this.#send(method, flight, headers, message?.bytes);
  }

  #send(
    method: string,
    flight: Flight,
    headers: Record<string, string | number>,
    body: Uint8Array | undefined,
  ): Promise<IncomingMessage> {
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = body.length;
    }
    const authorizer = this.#authorizer;
    if (authorizer === undefined) return this.#sendOnce(method, flight, headers, body);
    return this.#sendProved(authorizer, method, flight, headers, body);
  }

  async #sendProved(
    authorizer: Authorizer,
    method: string,
    flight: Flight,
    headers: Record<string, string | number>,
    body: Uint8Array | undefined,
  ): Promise<IncomingMessage> {
    const send = (proof: ProofHeaders) =>
      this.#sendOnce(method, flight, { ...headers, ...proof }, body);
    if (method === "DELETE") return await send(await authorizer.proof()); // nobody logs in to leave
    return await sendProved(authorizer, flight, send);
  }

  #sendOnce(
    method: string,
    flight: Flight,
    headers: Record<string, string | number>,
    body: Uint8Array | undefined,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request: ClientRequest = http.request({ ...this.#options, method, headers }, resolve);
      request.on("error", (error) => reject(failureOf(flight.reason ?? error)));
      request.on("socket", sendOnce);
      flight.carry(request);
      request.end(body);
    });
  }
}

/**
 * Deno 2.9.6 sends a request again by itself when its kept socket closes before an answer, even when it is we who
 * close it (denoland/deno#36786): a call would run twice. Only sockets that count as new are spared.
 */
function sendOnce(this: ClientRequest): void {
  this.reusedSocket = false;
}

/**
 * An event id (one character per byte) as a header value; `undefined` when a header cannot carry it:
 * nothing can be resumed after it.
 */
export function eventIdHeader(eventId: string): string | undefined {
  return HEADER_VALUE.test(eventId) ? eventId : undefined;
}
