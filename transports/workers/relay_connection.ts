/**
 * One connection to another worker: a request at a time, over HTTP/1.1. `node:http` as the client would take
 * as long as the rest of a small relayed call together (Deno 2.9.6).
 *
 * @module
 */
import net from "node:net";
import type { Socket } from "node:net";
import { monotonicMs } from "../../lib/core/clock.ts";
import { type ResponseHead, ResponseReader } from "../http2/response_reader.ts";

/** Told of one answer, in this order; `failed` may come instead of any of them. */
export interface AnswerSink {
  head(head: ResponseHead): void;
  /** Parts of the body. False: no more for now, {@link RelayConnection.resume} goes on. */
  body(part: Uint8Array): boolean;
  /** @param isReusable whether another request may follow on the connection */
  done(isReusable: boolean): void;
  /** @param wasConnected false when nothing can have reached the other worker */
  failed(wasConnected: boolean): void;
}

const CR = 0x0d, LF = 0x0a;

/** See the module. Ends with its socket. */
export class RelayConnection {
  /** When it was last used, monotonic ms. */
  idleSinceMs = 0;
  readonly #socket: Socket;
  #isConnected = false;
  #sink: AnswerSink | undefined;
  #reader: ResponseReader | undefined;
  #hasHead = false;
  #roomAgain: (() => void) | undefined;

  /**
   * @param path of the other worker's socket
   * @param silenceMs the other side may say nothing for so long while it is asked, ms
   * @param onClosed it has gone, used or not
   */
  constructor(path: string, silenceMs: number, onClosed: (connection: RelayConnection) => void) {
    const socket = net.connect({ path });
    this.#socket = socket;
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on("connect", () => this.#isConnected = true);
    socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    socket.on("drain", () => this.#goOn());
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      onClosed(this);
      this.#goOn();
      const sink = this.#sink;
      this.#sink = undefined;
      if (this.#reader?.end() === true) sink?.done(false);
      else sink?.failed(this.#isConnected);
    });
  }

  /** Whether it can take a request. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /**
   * Begins a request.
   *
   * @param head with its empty line; one character for each byte
   * @param hasBody whether the answer may have a body
   */
  ask(head: string, hasBody: boolean, sink: AnswerSink): void {
    this.#sink = sink;
    this.#reader = new ResponseReader(hasBody);
    this.#hasHead = false;
    this.#socket.write(head, "latin1");
  }

  /** Sends a part of the body. False: no more until the callback. */
  write(bytes: Uint8Array, onRoom: () => void): boolean {
    if (this.#socket.destroyed || this.#socket.write(bytes)) return true;
    this.#roomAgain = onRoom;
    return false;
  }

  /** Goes on reading. */
  resume(): void {
    this.#socket.resume();
  }

  /** Ends it at once; nobody is told any more. */
  destroy(): void {
    this.#sink = undefined;
    this.#socket.destroy();
  }

  #goOn(): void {
    const roomAgain = this.#roomAgain;
    this.#roomAgain = undefined;
    roomAgain?.();
  }

  #onData(bytes: Uint8Array): void {
    const sink = this.#sink, reader = this.#reader;
    if (sink === undefined || reader === undefined) return; // the line end behind the last chunk of an answer
    try {
      this.#read(this.#hasHead ? bytes : withoutLineEnd(bytes), reader, sink);
    } catch { // no answer that we could have written
      this.#socket.destroy();
    }
  }

  #read(bytes: Uint8Array, reader: ResponseReader, sink: AnswerSink): void {
    const parts = reader.push(bytes);
    if (!this.#hasHead && reader.head !== undefined) {
      this.#hasHead = true;
      sink.head(reader.head);
    }
    let hasRoom = true;
    for (const part of parts) hasRoom = sink.body(part) && hasRoom;
    if (reader.isDone) {
      this.#sink = undefined;
      this.#reader = undefined;
      this.idleSinceMs = monotonicMs();
      sink.done(!reader.head!.closes && this.isOpen);
    } else if (!hasRoom) this.#socket.pause();
  }
}

/** The empty line behind a chunked body may come with the next answer. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (bytes[from] === CR || bytes[from] === LF) from++;
  return from === 0 ? bytes : bytes.subarray(from);
}
