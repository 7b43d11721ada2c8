/**
 * One request to the MCP endpoint as an {@link Exchange}: reads the body, writes a JSON document or an
 * event stream.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Batch,
  Exchange,
  ExchangeEnd,
  RequestInfo,
  TlsIdentity,
} from "../../lib/core/connection.ts";
import { failure } from "../../lib/core/compose.ts";
import { GatewayError, TransportError } from "../../lib/core/errors.ts";
import { hasExpired, type Identity } from "../../lib/core/identity.ts";
import { Message } from "../../lib/core/message.ts";
import { ENCODE_BYTES_MIN } from "../../lib/framing/compression/http_encoding.ts";
import {
  encodeEvent,
  encodeEvents,
  encodePriming,
  encodeRetry,
  HEARTBEAT,
} from "../../lib/framing/sse_encoding.ts";
import { answer, type FlatHeaders, hasUnreadBody, refuse } from "../http/refusal.ts";
import type { Registered, Registry } from "../http/registry.ts";
import { headerOf } from "../http/request_info.ts";
import { PacedWriter, PIECE_BYTES } from "../http/write.ts";
import { readBody } from "../http/body.ts";
import type { BodyBudget } from "../http/body_budget.ts";
import { codedBody, type EventWriter, eventWriter } from "../http/compression.ts";
import type { HttpListener } from "../http/listener.ts";
import { tlsIdentityOf } from "../http/tls_identity.ts";
import { type Accepted, bodyProblem } from "./accept.ts";

/** What all exchanges of one endpoint share. */
export interface ExchangeSettings {
  /** What the requests came in on. */
  readonly listener: HttpListener;
  readonly messageBytesMax: number;
  /** Outgoing bytes that may wait for one client. */
  readonly bufferBytesMax: number;
  /** What the bodies being read may hold together. */
  readonly bodies: BodyBudget;
  /** Silence after which a client that takes events is sent a comment, ms; 0 for none. */
  readonly heartbeatMs: number;
  /** Open event streams, which want heartbeats. */
  readonly streams: Registry<HttpExchange>;
}

const EVENT_STREAM_HEADERS = [
  "content-type",
  "text/event-stream",
  "cache-control",
  "no-cache, no-transform",
  "x-accel-buffering",
  "no",
];
const NOTHING = new Uint8Array(0);

/** An {@link Exchange} over `node:http`. It is its own {@link RequestInfo}: one object less per request. */
export class HttpExchange implements Exchange, RequestInfo, Registered {
  place = -1;
  readonly kind = "exchange";
  readonly transport = "http";
  readonly method: "POST" | "GET" | "DELETE";
  readonly tls: TlsIdentity | undefined;
  /** Set once, before anybody sees it. */
  identity: Identity | undefined;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #accepted: Accepted;
  readonly #settings: ExchangeSettings;
  readonly #expectsContinue: boolean;
  #headers: FlatHeaders | undefined;
  #isAnswered = false;
  #lastWriteMs = 0;
  #closed: Promise<void> | undefined;
  #writer: EventWriter | undefined;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    accepted: Accepted,
    settings: ExchangeSettings,
    expectsContinue: boolean,
  ) {
    this.method = req.method as "POST" | "GET" | "DELETE";
    this.tls = tlsIdentityOf(req); // now: a connection that has gone tells nothing
    this.#req = req;
    this.#res = res;
    this.#accepted = accepted;
    this.#settings = settings;
    this.#expectsContinue = expectsContinue;
  }

  get request(): RequestInfo {
    return this;
  }

  get address(): string {
    return this.#settings.listener.proxies.clientAndPort(this.#req);
  }

  header(name: string): string | undefined {
    return headerOf(this.#req, this.#settings.listener.proxies, name);
  }

  headersFrom(prefix: string): Readonly<Record<string, string>> | undefined {
    let found: Record<string, string> | undefined;
    for (const name in this.#req.headers) {
      if (name.startsWith(prefix)) (found ??= {})[name] = this.header(name)!;
    }
    return found;
  }

  get gone(): boolean {
    return this.#isAnswered || this.#res.destroyed;
  }

  get streams(): boolean {
    return this.#accepted.events;
  }

  get closed(): Promise<void> {
    return this.#closed ??= new Promise((resolve) => {
      if (this.#res.destroyed) resolve();
      else this.#res.once("close", resolve);
    });
  }

  read(): Promise<Batch> {
    const { messageBytesMax, bodies } = this.#settings;
    const problem = bodyProblem(this.#req, messageBytesMax);
    if (problem !== undefined) return Promise.reject(problem);
    if (this.#expectsContinue) this.#res.writeContinue();
    return readBody(this.#req, messageBytesMax, bodies).then((body) => this.#toBatch(body));
  }

  setHeader(name: string, value: string): void {
    const headers = this.#headers ??= [];
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] === name) return void (headers[i + 1] = value);
    }
    headers.push(name, value);
  }

  accept(status: number): void {
    if (!this.#begin()) return;
    const headers = this.#headers ?? [];
    if (status !== 204) headers.push("content-length", "0");
    answer(this.#req, this.#res, status, headers, NOTHING);
  }

  refuse(error: GatewayError, id?: Uint8Array): void {
    if (this.#writer !== undefined) return this.finish(id && failure(id, error));
    if (!this.#begin()) return;
    refuse(this.#req, this.#res, error, id, this.#headers);
  }

  /**
   * Streams messages to the client.
   *
   * @throws {TransportError} when the client has gone or the answer is complete
   * @throws {GatewayError} InvalidRequest when the client takes no event streams: the caller must use the
   * session's general stream
   */
  async send(batch: Batch, eventIds?: readonly string[]): Promise<void> {
    if (!this.#accepted.events) {
      throw new GatewayError("InvalidRequest", "Cannot stream to client: it accepts JSON only", {
        status: 406,
      });
    }
    if (this.#writer !== undefined && this.#isFull(this.#writer)) await this.#writer.room();
    if (this.gone) {
      throw new TransportError(`Cannot send to ${this.address}: the exchange has ended`);
    }
    const writer = this.#openStream();
    if (batch.length > 0) writer.write(encodeEvents(batch, eventIds));
    this.#lastWriteMs = 0; // the next beat begins a new interval
    if (this.#isFull(writer)) await writer.room();
  }

  prime(eventId: string, retryMs: number): void {
    if (this.gone) return;
    const writer = this.#openStream();
    writer.write(encodePriming(eventId, retryMs));
    this.#lastWriteMs = 0;
  }

  finish(message?: Message, end?: ExchangeEnd): void {
    if (this.#isAnswered) return;
    const takesJson = this.#accepted.json || end?.status !== undefined;
    if (message !== undefined && this.#writer === undefined && takesJson) {
      return this.#finishWithJson(message.bytes, end?.status);
    }
    const writer = this.#openStream();
    this.#isAnswered = true;
    if (message !== undefined) writer.write(encodeEvent(message, end?.eventId));
    if (end?.retryMs !== undefined) writer.write(encodeRetry(end.retryMs));
    writer.end();
    this.#settings.streams.delete(this);
  }

  /** An answer that lets wait for itself becomes an event stream, or proxies on the way would end it. */
  waitOn(waitedMs: number): void {
    const { heartbeatMs } = this.#settings;
    if (heartbeatMs === 0 || waitedMs < heartbeatMs) return;
    if (this.#writer !== undefined || this.gone || !this.#accepted.events) return;
    this.#openStream().write(HEARTBEAT);
  }

  /** Writes a comment when nothing was written for so long and nothing waits; ends with what has let it in. */
  beat(nowMs: number): void {
    if (this.gone) return this.#settings.streams.delete(this);
    if (hasExpired(this.identity)) return this.finish(); // the client comes back with something newer
    if (this.#lastWriteMs === 0) this.#lastWriteMs = nowMs;
    const intervalMs = this.#settings.heartbeatMs || Infinity;
    if (nowMs - this.#lastWriteMs >= intervalMs && this.#writer?.waitingBytes === 0) {
      this.#writer.write(HEARTBEAT);
      this.#lastWriteMs = nowMs;
    }
  }

  /** Claims the answer; false when there is one already, or nobody to take it. */
  #begin(): boolean {
    if (this.#isAnswered || this.#writer !== undefined) return false;
    this.#isAnswered = true;
    return !this.#res.destroyed;
  }

  #finishWithJson(document: Uint8Array, status = 200): void {
    if (!this.#begin()) return;
    const headers = this.#headers ?? [];
    const body = document.length >= ENCODE_BYTES_MIN && this.#compresses
      ? codedBody(this.#req, this.#res, headers, document)
      : document;
    headers.push("content-type", "application/json", "content-length", String(body.length));
    if (hasUnreadBody(this.#req)) return answer(this.#req, this.#res, status, headers, body);
    this.#res.writeHead(status, headers);
    if (body.length <= PIECE_BYTES) return void this.#res.end(body);
    const writer = new PacedWriter(this.#res);
    writer.write(body);
    writer.end();
  }

  #openStream(): EventWriter {
    if (this.#writer !== undefined) return this.#writer;
    const headers = this.#headers ?? [];
    headers.push(...EVENT_STREAM_HEADERS);
    this.#writer = eventWriter(this.#req, this.#res, headers, this.#compresses);
    this.#res.writeHead(200, headers);
    this.#res.flushHeaders();
    this.#settings.streams.add(this);
    return this.#writer;
  }

  get #compresses(): boolean {
    return this.#settings.listener.compresses(this.#req);
  }

  /** @throws {GatewayError} InternalError when another worker answers it: then there is nothing to do here */
  #toBatch(body: Uint8Array): Batch {
    if (this.#settings.listener.relayByBody(this.#req, this.#res, body)) {
      this.#isAnswered = true;
      throw new GatewayError("InternalError", "Cannot answer: another worker does");
    }
    return [Message.from(body)];
  }

  #isFull(writer: EventWriter): boolean {
    return writer.waitingBytes > this.#settings.bufferBytesMax;
  }
}
