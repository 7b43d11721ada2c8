/**
 * WebSockets as bytes on a socket: for handshakes and frames that no client library would send.
 *
 * @module
 */
import { type RawAnswer, rawAnswer, RawClient } from "../fixtures/http_raw.ts";

/** Request line and headers of a handshake that is accepted. */
export const HANDSHAKE: Readonly<Record<string, string>> = {
  "": "GET /mcp/ws HTTP/1.1",
  host: "localhost",
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

/** The text of a handshake, with changes; `null` leaves a header out. */
export function handshakeText(changes: Readonly<Record<string, string | null>> = {}): string {
  const lines = Object.entries({ ...HANDSHAKE, ...changes })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => name === "" ? value : `${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Sends a handshake that is refused, with something behind it, and collects the answer. */
export function refusedHandshake(
  port: number,
  changes: Readonly<Record<string, string | null>>,
  behind = "",
): Promise<RawAnswer> {
  return rawAnswer(port, handshakeText(changes) + behind);
}

/** Codes of frames. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a frame differs from a whole one. */
export interface FrameOptions {
  readonly fin?: boolean;
  /** RSV1: the payload is deflated. */
  readonly isCompressed?: boolean;
}

/** A masked frame, as clients send it. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  { fin = true, isCompressed = false }: FrameOptions = {},
): Uint8Array {
  const data = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const first = (fin ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  const mask = [1, 2, 3, 4];
  const header = [first, ...lengthBytes(data.length), ...mask];
  const bytes = new Uint8Array(header.length + data.length);
  bytes.set(header);
  for (let i = 0; i < data.length; i++) bytes[header.length + i] = data[i] ^ mask[i & 3];
  return bytes;
}

function lengthBytes(length: number): number[] {
  if (length < 126) return [0x80 | length];
  if (length < 65536) return [0x80 | 126, length >> 8, length & 255];
  const high = [0, 0, 0, 0];
  return [0x80 | 127, ...high, ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255)];
}

/** A frame that came. */
export interface RawFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly isCompressed: boolean;
  /** One character per byte. */
  readonly payload: string;
}

/** An open WebSocket to a port on 127.0.0.1. */
export class RawWebSocket {
  /** Head of the server's answer. */
  readonly head: string;
  readonly #client: RawClient;

  private constructor(client: RawClient, head: string) {
    this.#client = client;
    this.head = head;
  }

  /** Opens one. */
  static async open(
    port: number,
    changes: Readonly<Record<string, string | null>> = {},
  ): Promise<RawWebSocket> {
    const client = new RawClient(port);
    client.write(handshakeText(changes));
    const [head] = await client.until(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
    return new RawWebSocket(client, head);
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return this.#client.ended;
  }

  /** Sends frames, or parts of them. */
  send(...frames: readonly Uint8Array[]): void {
    for (const bytes of frames) this.#client.write(bytes);
  }

  /** What came so far. */
  get frames(): RawFrame[] {
    return parse(this.#client.text.slice(this.head.length));
  }

  /** The first frame that is looked for; rejects when the connection ends without it. */
  async until(isWanted: (frame: RawFrame, index: number) => boolean): Promise<RawFrame> {
    let seen = 0;
    for (;;) {
      const found = this.frames.find(isWanted);
      if (found !== undefined) return found;
      await this.#client.until(new RegExp(`^[^]{${seen}}[^]`));
      seen = this.#client.text.length;
    }
  }

  /** The code of the server's close frame; 1005 when it has none. */
  async closeCode(): Promise<number> {
    const { payload } = await this.until(({ opcode }) => opcode === Opcode.close);
    return payload === "" ? 1005 : payload.charCodeAt(0) << 8 | payload.charCodeAt(1);
  }

  /** Stops reading. */
  pause(): void {
    this.#client.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#client.resume();
  }

  /** Ends the connection. */
  close(): Promise<void> {
    return this.#client.close();
  }
}

function parse(text: string): RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at + 2 <= text.length;) {
    const first = text.charCodeAt(at), length7 = text.charCodeAt(at + 1) & 127;
    const extra = length7 === 126 ? 2 : length7 === 127 ? 8 : 0;
    if (at + 2 + extra > text.length) break;
    let length = extra === 0 ? length7 : 0;
    for (let i = 0; i < extra; i++) length = length * 256 + text.charCodeAt(at + 2 + i);
    const start = at + 2 + extra;
    if (start + length > text.length) break;
    const payload = text.slice(start, start + length);
    const isCompressed = (first & 0x40) !== 0;
    frames.push({ opcode: first & 15, fin: first >= 128, isCompressed, payload });
    at = start + length;
  }
  return frames;
}
