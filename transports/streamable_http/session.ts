/**
 * The HTTP requests of one client session: which headers they carry, and sending them.
 *
 * @module
 */
import http from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Message } from "../../lib/core/message.ts";
import { targetOf, type UpstreamAgent } from "../http/agent.ts";
import { failureOf, offProtocol } from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";

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
  #protocolVersion: string | undefined;

  /** @param headers extra headers of every request; they may not replace the protocol's own */
  constructor(url: URL, agent: UpstreamAgent, headers: Readonly<Record<string, string>> = {}) {
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

  /** Sends one message. Resolves with the head of the answer. */
  post(message: Message, flight: Flight): Promise<IncomingMessage> {
    return this.#open("POST", flight, ACCEPT_BOTH, undefined, message.bytes);
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
    body?: Uint8Array,
  ): Promise<IncomingMessage> {
    const headers: Record<string, string | number> = { ...this.#headers, accept };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = body.length;
    }
    if (this.id !== undefined) headers["mcp-session-id"] = this.id;
    if (this.#protocolVersion !== undefined) {
      headers["mcp-protocol-version"] = this.#protocolVersion;
    }
    if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
    return new Promise((resolve, reject) => {
      const request: ClientRequest = http.request({ ...this.#options, method, headers }, resolve);
      request.on("error", (error) => reject(failureOf(flight.reason ?? error)));
      flight.carry(request);
      request.end(body);
    });
  }
}

/**
 * An event id (one character per byte) as a header value; `undefined` when a header cannot carry it:
 * nothing can be resumed after it.
 */
export function eventIdHeader(eventId: string): string | undefined {
  return HEADER_VALUE.test(eventId) ? eventId : undefined;
}
