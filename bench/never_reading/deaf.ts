/**
 * Clients that ask and never read, one kind for each transport.
 *
 * @module
 */
import type { Socket } from "node:net";
import { call, connected, get, INITIALIZE, post, until, webSocketFrame } from "./speech.ts";

/** A client keeps no more than this of what the gateway does not take. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** Connections of an HTTP client whose answers it has not read: browsers have no more to one host. */
const UNREAD_MAX = 6;

/** Stands for a connection that was refused. */
const NOT_CONNECTED = 0;

/** One that never reads. */
export interface Deaf {
  /** Asks for an answer, if it can be done now. @returns whether it was */
  ask(id: number): boolean;
  /** Its ports: when the gateway has closed one, it is cut. It cannot see that itself, as it does not read. */
  readonly localPorts: readonly number[];
  leave(): void;
}

/** A kind of client. */
export interface Kind {
  /** Bytes of the text in a call, and in its answer. */
  readonly textBytes: number;
  connect(port: number, textBytes: number): Promise<Deaf>;
}

/** Writes everything to one socket. */
class OneSocket implements Deaf {
  readonly localPorts: readonly number[];
  readonly #socket: Socket;
  readonly #write: (id: number) => string | Uint8Array;

  constructor(socket: Socket, write: (id: number) => string | Uint8Array, reading = socket) {
    this.#socket = socket;
    this.#write = write;
    this.localPorts = [socket.localPort!, reading.localPort!];
  }

  ask(id: number): boolean {
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) return false;
    this.#socket.write(this.#write(id));
    return true;
  }

  leave(): void {
    this.#socket.destroy();
  }
}

/** HTTP: each call on a connection of its own, as the answers on those before were not read. */
class Poster implements Deaf {
  readonly localPorts: number[] = [];
  readonly #port: number;
  readonly #request: (id: number) => string;
  readonly #sockets = new Set<Promise<Socket>>();

  constructor(port: number, request: (id: number) => string) {
    this.#port = port;
    this.#request = request;
  }

  ask(id: number): boolean {
    if (this.#sockets.size >= UNREAD_MAX) return false;
    const connecting = connected(this.#port);
    this.#sockets.add(connecting);
    connecting.then((socket) => {
      this.localPorts.push(socket.localPort!);
      socket.pause().write(this.#request(id));
    }, () => this.localPorts.push(NOT_CONNECTED));
    return true;
  }

  leave(): void {
    for (const connecting of this.#sockets) connecting.then((socket) => socket.destroy(), () => {});
  }
}

/** HTTP+SSE: reads what its POSTs are answered, one after the other, and never its stream. */
class StreamNotRead implements Deaf {
  readonly localPorts: readonly number[];
  readonly #stream: Socket;
  readonly #poster: Socket;
  readonly #request: (id: number) => string;
  #isAsking = false;

  constructor(stream: Socket, poster: Socket, request: (id: number) => string) {
    this.#stream = stream;
    this.#poster = poster;
    this.#request = request;
    this.localPorts = [stream.localPort!, poster.localPort!];
  }

  ask(id: number): boolean {
    if (this.#isAsking) return false;
    this.#isAsking = true;
    this.#poster.write(this.#request(id));
    until(this.#poster, "\r\n\r\n").then(() => this.#isAsking = false, () => {}); // cut, as is seen there
    return true;
  }

  leave(): void {
    this.#stream.destroy();
    this.#poster.destroy();
  }
}

/** Headers of a session that has been opened on a socket. */
async function openSession(socket: Socket, port: number): Promise<string> {
  socket.write(post("/mcp", port, INITIALIZE));
  const answer = await until(socket, "protocolVersion");
  const id = /mcp-session-id: (\S+)/i.exec(answer)![1];
  return `Mcp-Session-Id: ${id}\r\nMCP-Protocol-Version: 2025-06-18\r\n`;
}

/** An event stream that is open, what posts to it, and where. */
async function openEvents(port: number): Promise<[stream: Socket, poster: Socket, path: string]> {
  const stream = await connected(port);
  stream.write(get("/mcp/sse", port, "Accept: text/event-stream\r\n"));
  const event = await until(stream, "data:");
  const path = /data: ?(\S+)/.exec(event)![1].replace(/^http:\/\/[^/]+/, "");
  const poster = await connected(port);
  poster.resume();
  poster.write(post(path, port, INITIALIZE));
  await Promise.all([until(stream, "protocolVersion"), until(poster, "\r\n\r\n")]);
  stream.pause();
  return [stream, poster, path];
}

async function connectTcp(port: number, textBytes: number): Promise<Deaf> {
  const socket = await connected(port);
  socket.write(`${INITIALIZE}\n`);
  await until(socket, "\n");
  return new OneSocket(socket.pause(), (id) => `${call(id, textBytes)}\n`);
}

async function connectWebSocket(port: number, textBytes: number): Promise<Deaf> {
  const socket = await connected(port);
  socket.write(get(
    "/mcp/ws",
    port,
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
  ));
  await until(socket, "\r\n\r\n");
  socket.write(webSocketFrame(INITIALIZE));
  await until(socket, "protocolVersion");
  return new OneSocket(socket.pause(), (id) => webSocketFrame(call(id, textBytes)));
}

async function connectHttp(port: number, textBytes: number): Promise<Deaf> {
  const opener = await connected(port);
  const headers = await openSession(opener, port);
  opener.destroy();
  return new Poster(port, (id) => post("/mcp", port, call(id, textBytes), headers));
}

async function connectHttpPipelined(port: number, textBytes: number): Promise<Deaf> {
  const socket = await connected(port);
  const headers = await openSession(socket, port);
  return new OneSocket(socket.pause(), (id) => post("/mcp", port, call(id, textBytes), headers));
}

async function connectSse(port: number, textBytes: number): Promise<Deaf> {
  const [stream, poster, path] = await openEvents(port);
  return new StreamNotRead(stream, poster, (id) => post(path, port, call(id, textBytes)));
}

async function connectSsePipelined(port: number, textBytes: number): Promise<Deaf> {
  const [stream, poster, path] = await openEvents(port);
  return new OneSocket(poster, (id) => post(path, port, call(id, textBytes)), stream);
}

const SMALL_BYTES = 16 * 1024;
/** Fewer connections for the same rate. */
const LARGE_BYTES = 256 * 1024;

/** All kinds, by what they are called on the command line. */
export const KINDS: Readonly<Record<string, Kind>> = {
  tcp: { textBytes: SMALL_BYTES, connect: connectTcp },
  ws: { textBytes: SMALL_BYTES, connect: connectWebSocket },
  http: { textBytes: LARGE_BYTES, connect: connectHttp },
  "http-pipelined": { textBytes: SMALL_BYTES, connect: connectHttpPipelined },
  sse: { textBytes: SMALL_BYTES, connect: connectSse },
  "sse-pipelined": { textBytes: SMALL_BYTES, connect: connectSsePipelined },
};
