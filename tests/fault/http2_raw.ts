/**
 * HTTP/2 as frames on a TLS socket: for what no client library would send.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import tls from "node:tls";
import { bounded } from "../fixtures/child_wait.ts";

/** Types of frames (RFC 9113, 6). */
export const Type = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const Flag = { endStream: 1, endHeaders: 4 } as const;

/** A frame that came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Names and values of header fields. */
export type Fields = Readonly<Record<string, string>>;

/** The fields of a request to `localhost`, with changes. */
export function fields(method: string, path: string, more: Fields = {}): Fields {
  return {
    ":method": method,
    ":path": path,
    ":scheme": "https",
    ":authority": "localhost",
    ...more,
  };
}

/** Fields as literals without an index (RFC 7541, 6.2.2). */
export function block(all: Fields): Buffer {
  const texts = Object.entries(all).flatMap(([name, value]) => [
    Buffer.from([0]),
    ...[name, value].flatMap((text) => [Buffer.from(lengthOf(text)), Buffer.from(text, "latin1")]),
  ]);
  return Buffer.concat(texts);
}

function lengthOf({ length }: string): number[] {
  if (length < 127) return [length];
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

/** The bytes of a frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A client that sends what it is told to, and nothing else. */
export class RawHttp2 {
  /** Frames that came, in order. */
  readonly frames: Frame[] = [];
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
  readonly #socket: tls.TLSSocket;
  #rest: Buffer = Buffer.alloc(0);
  #onArrival = () => {};

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {}); // "close" follows
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("close", () => this.#onArrival());
  }

  /** Whether the server has closed. */
  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Connects; says nothing yet. */
  static async connect(port: number): Promise<RawHttp2> {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] };
    const socket = tls.connect(options);
    const client = new RawHttp2(socket);
    await bounded(
      new Promise<void>((resolve) => {
        socket.once("secureConnect", resolve);
        socket.once("close", () => resolve());
      }),
      "a TLS handshake",
    );
    return client;
  }

  /** Connects and begins a session. `settings`: numbers and values. */
  static async begin(port: number, settings: readonly [number, number][] = []): Promise<RawHttp2> {
    const client = await RawHttp2.connect(port);
    const payload = Buffer.alloc(6 * settings.length);
    settings.forEach(([id, value], i) => {
      payload.writeUInt16BE(id, 6 * i);
      payload.writeUInt32BE(value, 6 * i + 2);
    });
    client.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    client.send(Type.settings, 0, 0, payload);
    return client;
  }

  /** Sends bytes. Resolves when they have been taken, or the server has closed. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
      void this.closed.then(resolve);
    });
  }

  /** Sends a frame. */
  send(type: number, flags: number, stream: number, payload: Uint8Array): Promise<void> {
    return this.write(frame(type, flags, stream, payload));
  }

  /** Sends the head of a request. */
  request(stream: number, head: Fields, flags: number = Flag.endStream): Promise<void> {
    return this.send(Type.headers, flags | Flag.endHeaders, stream, block(head));
  }

  /** Waits for a frame. */
  async until(what: string, isIt: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(isIt);
      if (found !== undefined) return found;
      if (this.#socket.destroyed) throw new Error(`Closed before: ${what}`);
      await bounded(new Promise<void>((resolve) => this.#onArrival = resolve), what);
    }
  }

  /** Waits for the head of an answer. Returns its status. */
  async status(stream: number): Promise<number> {
    const isIt = (frame: Frame) => frame.type === Type.headers && frame.stream === stream;
    return statusOf((await this.until(`an answer on ${stream}`, isIt)).payload);
  }

  /** Waits until the server has closed. Returns the code of its GOAWAY. */
  async end(): Promise<number | undefined> {
    await bounded(this.closed, "the end of a connection");
    return this.frames.findLast(({ type }) => type === Type.goAway)?.payload.readUInt32BE(4);
  }

  /** Closes. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #take(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      this.frames.push({
        type: rest[3],
        flags: rest[4],
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    this.#onArrival();
  }
}

/** Statuses that have an index of their own (RFC 7541, appendix A). */
const INDEXED = [200, 204, 206, 304, 400, 404, 500];

/** The status at the start of a block of header fields. */
function statusOf(head: Buffer): number {
  if (head[0] & 0x80) return INDEXED[head[0] - 0x88];
  const text = head.subarray(2, 2 + (head[1] & 0x7f));
  return Number((head[1] & 0x80) === 0 ? text.toString() : digitsOf(text));
}

/** Digits in Huffman code (RFC 7541, appendix B): 0 to 2 in five bits, the others in six. */
function digitsOf(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const codes = bits.match(/000(?:00|01|10)|011\d{3}/g) ?? [];
  return codes.map((code) => code.length === 5 ? parseInt(code, 2) : parseInt(code, 2) - 22).join(
    "",
  );
}
