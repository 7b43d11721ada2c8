/**
 * Carries one request to the worker that it belongs to, and the answer back: both streamed, neither changed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";
import { answer, hasUnreadBody, refuse } from "../http/refusal.ts";
import type { ResponseHead } from "../http2/response_reader.ts";
import { PASSPORT_HEADER } from "./passport.ts";
import type { AnswerSink, RelayConnection } from "./relay_connection.ts";

/** A request, and what comes with it. */
export interface Relayed {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Says whose it is. */
  readonly passport: string;
  /** Its body, where that has been read. */
  readonly body?: Uint8Array;
}

/** About one connection (RFC 9110, 7.6.1), or written anew. */
const DROPPED: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "expect", "content-length", PASSPORT_HEADER],
]);
const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** One relay. Begins with being made. */
export class Relay implements AnswerSink {
  readonly #relayed: Relayed;
  readonly #connection: RelayConnection;
  readonly #onReusable: (connection: RelayConnection) => void;
  readonly #isChunked: boolean;
  #head: ResponseHead | undefined;
  /** Of a body that goes out with the head. */
  #whole: Uint8Array[] | undefined;
  #isSent = false;
  #isOver = false;

  /** @param onReusable the connection can take another request */
  constructor(
    relayed: Relayed,
    connection: RelayConnection,
    onReusable: (connection: RelayConnection) => void,
  ) {
    const { req, res, body } = relayed;
    this.#relayed = relayed;
    this.#connection = connection;
    this.#onReusable = onReusable;
    this.#isChunked = body === undefined && req.headers["transfer-encoding"] !== undefined;
    res.once("close", () => this.#onClientGone());
    connection.ask(this.#requestHead(), req.method !== "HEAD", this);
    this.#upload();
  }

  head(head: ResponseHead): void {
    this.#head = head;
    const { res } = this.#relayed;
    if (head.bodyBytes <= res.writableHighWaterMark) return void (this.#whole = []);
    res.writeHead(head.status, head.headers.flat());
    res.flushHeaders();
  }

  body(part: Uint8Array): boolean {
    if (this.#whole !== undefined) return this.#whole.push(part) > 0;
    if (this.#relayed.res.write(part)) return true;
    this.#relayed.res.once("drain", () => this.#connection.resume());
    return false;
  }

  done(isReusable: boolean): void {
    this.#isOver = true;
    const { req, res } = this.#relayed;
    const isKept = isReusable && this.#isSent;
    if (isKept) this.#onReusable(this.#connection);
    else this.#connection.destroy();
    if (this.#whole === undefined) return void res.end();
    const body = this.#whole.length === 1 ? this.#whole[0] : Buffer.concat(this.#whole);
    const headers = this.#head!.headers.flat();
    if (hasUnreadBody(req)) return answer(req, res, this.#head!.status, headers, body);
    res.writeHead(this.#head!.status, headers).end(body);
  }

  failed(wasConnected: boolean): void {
    this.#isOver = true;
    const { req, res } = this.#relayed;
    if (res.headersSent) return void res.destroy();
    refuse(req, res, wasConnected ? LOST : UNKNOWN);
  }

  #requestHead(): string {
    const { req, passport, body } = this.#relayed;
    const { rawHeaders } = req;
    let text = `${req.method} ${req.url} HTTP/1.1\r\n${PASSPORT_HEADER}: ${passport}\r\n`;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i];
      if (!DROPPED.has(name.toLowerCase())) text += `${name}: ${rawHeaders[i + 1]}\r\n`;
    }
    const length = body?.length ?? req.headers["content-length"];
    if (this.#isChunked) text += "transfer-encoding: chunked\r\n";
    else if (length !== undefined) text += `content-length: ${length}\r\n`;
    return `${text}\r\n`;
  }

  #upload(): void {
    const { req, body } = this.#relayed;
    if (body !== undefined) this.#send(body);
    if (body !== undefined || !hasUnreadBody(req)) return void (this.#isSent = true);
    req.on("data", (bytes: Uint8Array) => this.#send(bytes));
    req.on("end", () => {
      this.#isSent = true;
      if (this.#isChunked && !this.#isOver) this.#connection.write(LAST_CHUNK, () => {});
    });
  }

  #send(bytes: Uint8Array): void {
    if (this.#isOver || bytes.length === 0) return; // an empty chunk would be the last
    const { req } = this.#relayed;
    const sent = this.#isChunked
      ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF])
      : bytes;
    if (!this.#connection.write(sent, () => req.resume())) req.pause();
  }

  /** To the other worker it looks as if its own client had gone. */
  #onClientGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.destroy();
  }
}

/** What a client is told of a session that went with its worker: it begins anew. */
const UNKNOWN = new GatewayError(
  "InvalidRequest",
  "Cannot find session: it is unknown or has ended",
  { status: 404 },
);
const LOST = new GatewayError(
  "UpstreamUnavailable",
  "Cannot wait for the answer: the worker of this session has ended",
  { status: 502, data: { outcome: "unknown" } },
);
