/**
 * A client of Streamable HTTP that does as little as a load generator can do with: one POST on a kept
 * connection for each message, no stream of its own, nothing resumed. The client of the gateway, which
 * does all that, costs several times as much for a call and would be what is measured.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import type { Batch, BatchHandler, BatchSink, Connection, Endpoint } from "../core/connection.ts";
import { isModernVersion, LATEST_LEGACY_VERSION } from "../core/eras.ts";
import { type GatewayError, TransportError } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import { HttpAnswers } from "./http_answer.ts";

const DEFAULT_PORT = 80;
/** The end of the session is awaited for so long, ms. */
const GOODBYE_MS = 1_000;
const encoder = new TextEncoder();

/** One kept connection, with the request that waits on it. */
interface Line {
  readonly socket: Socket;
  readonly answers: HttpAnswers;
  asked: Message | undefined;
}

/**
 * Connects to a server of `http://`.
 *
 * @throws {TransportError} when it cannot be reached before the signal aborts
 */
export async function dialLeanHttp({ url }: Endpoint, signal: AbortSignal): Promise<Connection> {
  const connection = new LeanHttp(url);
  await connection.open(signal);
  return connection;
}

class LeanHttp implements Connection {
  readonly kind = "connection";
  readonly peer;
  readonly closed: Promise<void>;
  readonly direct;
  readonly #url: URL;
  readonly #ended = Promise.withResolvers<void>();
  readonly #free: Line[] = [];
  readonly #lines = new Set<Line>();
  #onBatch: BatchHandler = () => true;
  #sessionId: string | undefined;
  #sessionHead = "";
  #isOver = false;

  constructor(url: URL) {
    this.#url = url;
    this.peer = { transport: "http", address: url.host };
    this.closed = this.#ended.promise;
    this.closed.catch(() => {}); // whoever asks gets the rejection; nobody has to ask
    const sink: BatchSink = {
      bytesTaken: 0,
      ended: this.closed,
      write: (batch) => this.#write(batch),
      close: () => Promise.resolve(),
      abort() {},
    };
    this.direct = {
      sink,
      receive: (onBatch: BatchHandler) => {
        this.#onBatch = onBatch;
        return this.closed;
      },
    };
  }

  get readable(): never {
    throw new TransportError("Cannot stream from a lean client: it has only its direct path");
  }

  get writable(): never {
    throw new TransportError("Cannot stream to a lean client: it has only its direct path");
  }

  async open(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = this.#newLine();
    line.socket.once("connect", () => resolve());
    line.socket.once("error", (error) => {
      reject(new TransportError(`Cannot connect to ${this.#url.host}: ${error.message}`));
    });
    const stop = () => {
      line.socket.destroy();
      reject(new TransportError(`Cannot connect to ${this.#url.host}: it took too long`));
    };
    signal.addEventListener("abort", stop, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", stop));
    this.#free.push(line);
  }

  abort(reason: GatewayError): void {
    this.#end(new TransportError(reason.message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver && this.#sessionId !== undefined) await this.#sayGoodbye();
    this.#end();
  }

  #write(batch: Batch): Promise<void> {
    if (this.#isOver) return Promise.reject(new TransportError("Cannot write: it is closed"));
    for (const message of batch) {
      const line = this.#free.pop() ?? this.#newLine();
      line.asked = message;
      line.socket.write(this.#request(message));
    }
    return Promise.resolve();
  }

  #request(message: Message): Uint8Array {
    const { bytes, protocolVersion } = message;
    let head =
      `POST ${this.#url.pathname}${this.#url.search} HTTP/1.1\r\nhost: ${this.#url.host}\r\n` +
      "content-type: application/json\r\naccept: application/json, text/event-stream\r\n" +
      `content-length: ${bytes.length}\r\n${this.#sessionHead}`;
    if (protocolVersion !== undefined && isModernVersion(protocolVersion)) {
      head += `mcp-protocol-version: ${protocolVersion}\r\nmcp-method: ${message.method}\r\n`;
      if (message.name !== undefined) head += `mcp-name: ${message.name}\r\n`;
    }
    const request = Buffer.allocUnsafe(head.length + 2 + bytes.length);
    request.write(head, 0, "latin1");
    request.write("\r\n", head.length, "latin1");
    request.set(bytes, head.length + 2);
    return request;
  }

  #newLine(): Line {
    const { hostname, port } = this.#url;
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || DEFAULT_PORT,
      noDelay: true,
    });
    const line: Line = { socket, answers: new HttpAnswers(), asked: undefined };
    this.#lines.add(line);
    socket.on("data", (chunk: Buffer) => this.#take(line, chunk));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.#leave(line));
    return line;
  }

  #take(line: Line, chunk: Buffer): void {
    let progress;
    try {
      progress = line.answers.push(chunk);
    } catch {
      line.socket.destroy(); // the call fails with it
      return;
    }
    const { bodies, status, sessionId, isDone, closes } = progress;
    const messages = bodies.map((body) => Message.from(body));
    const { asked } = line;
    if (sessionId !== undefined && this.#sessionId === undefined) this.#remember(sessionId);
    if (isDone) {
      line.asked = undefined;
      if (closes) line.socket.end();
      else this.#free.push(line);
      if (
        status >= 400 && asked?.id !== undefined && !messages.some((one) => one.id !== undefined)
      ) {
        messages.length = 0;
        messages.push(httpFailure(asked.id, status));
      }
    }
    if (messages.length > 0) void this.#onBatch(messages);
  }

  #remember(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#sessionHead =
      `mcp-session-id: ${sessionId}\r\nmcp-protocol-version: ${LATEST_LEGACY_VERSION}\r\n`;
  }

  /** A connection that closes takes its call along; the session may go on with others. */
  #leave(line: Line): void {
    this.#lines.delete(line);
    const at = this.#free.indexOf(line);
    if (at >= 0) this.#free.splice(at, 1);
    if (line.asked?.id !== undefined && !this.#isOver) {
      void this.#onBatch([httpFailure(line.asked.id, 0)]);
    }
  }

  async #sayGoodbye(): Promise<void> {
    const line = this.#free.pop() ?? this.#newLine();
    const { promise, resolve } = Promise.withResolvers<void>();
    line.socket.once("data", () => resolve());
    line.socket.once("close", () => resolve());
    const timer = setTimeout(resolve, GOODBYE_MS);
    const head = `DELETE ${this.#url.pathname} HTTP/1.1\r\nhost: ${this.#url.host}\r\n`;
    line.socket.write(encoder.encode(`${head}${this.#sessionHead}content-length: 0\r\n\r\n`));
    await promise.finally(() => clearTimeout(timer));
  }

  #end(error?: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { socket } of this.#lines) socket.destroy();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }
}

/** An error answer with the status for its code; 0 stands for a connection that closed. */
function httpFailure(id: Uint8Array, status: number): Message {
  const why = status === 0 ? "connection closed" : `HTTP status ${status}`;
  const text = `{"jsonrpc":"2.0","id":0,"error":{"code":${status},"message":"${why}"}}`;
  return Message.from(encoder.encode(text)).withId(id);
}
