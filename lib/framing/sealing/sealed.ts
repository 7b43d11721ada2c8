/**
 * A framing inside AES-256-GCM, for private hops without TLS: `[Length:32 big-endian]` and
 * `{"encrypted":BASE64,"iv":BASE64,"tag":BASE64,"kid":NAME}`; the first frame of whoever has dialled also has
 * `"client"` and `"opened"`.
 *
 * Each connection and direction has a key of its own, derived from that of the file and the client's random id
 * (HKDF, RFC 5869), and the vector is a counter: it is fresh for every frame, and a frame that is played again, left
 * out or taken from elsewhere does not fit. What is authenticated beside the text is the client's id and the
 * direction. Not TLS: whoever gets a key can read what was recorded.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Batch, Codec, Decoder } from "../../core/connection.ts";
import { GatewayError, reasonOf } from "../../core/errors.ts";
import { Message } from "../../core/message.ts";
import { LengthFrames } from "../length_frames.ts";
import type { HopKey } from "./key_ring.ts";
import type { ReplayGuard } from "./replay_guard.ts";

/** How one connection is sealed. */
export interface SealingOptions {
  /** What is sealed; a codec of this connection alone. */
  readonly inner: Codec;
  /** The first seals what a client sends. */
  readonly keys: readonly HopKey[];
  /** Of a listener; without it this is the end that has dialled. */
  readonly guard?: ReplayGuard;
  /** Wall clock, ms since 1970. */
  readonly now?: () => number;
}

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const CLIENT_BYTES = 16;
/** Text of a frame; longer texts are sent in several. Bytes. */
const TEXT_BYTES_MAX = 256 * 1024;
/** A frame as it travels: base64, and what stands around it. Bytes. */
const FRAME_BYTES_MAX = Math.ceil(TEXT_BYTES_MAX / 3) * 4 + 1024;

type Direction = "to server" | "to client";

/** One sealed frame, as it travels. */
interface Envelope {
  readonly encrypted: string;
  readonly iv: string;
  readonly tag: string;
  readonly kid: string;
  readonly client?: string;
  readonly opened?: number;
}

/** The sealed framing of one connection. */
export function sealed(options: SealingOptions): Codec {
  const hop = new SealedHop(options);
  return {
    name: `sealed ${options.inner.name}`,
    decoder: () => new SealedDecoder(hop, options.inner.decoder()),
    encode: (batch) => hop.seal(options.inner.encode(batch)),
  };
}

class SealedHop {
  readonly #options: SealingOptions;
  readonly #isListener: boolean;
  /** Name of the client, and the key that it has chosen; of a listener they are unknown at first. */
  #client: string | undefined;
  #key: HopKey | undefined;
  #sealing: Flow | undefined;
  #opening: Flow | undefined;
  #opened: number | undefined;

  constructor(options: SealingOptions) {
    this.#options = options;
    this.#isListener = options.guard !== undefined;
    if (this.#isListener) return;
    this.#opened = (options.now ?? Date.now)();
    this.#begin(randomBytes(CLIENT_BYTES).toString("base64"), options.keys[0], this.#opened);
  }

  /** Nothing, for a client that has not shown who it is: there is no key that it could read with. */
  seal(text: Uint8Array): Uint8Array {
    if (this.#sealing === undefined) return new Uint8Array(0);
    const frames: Uint8Array[] = [];
    for (let from = 0; from < text.length; from += TEXT_BYTES_MAX) {
      frames.push(this.#frame(text.subarray(from, from + TEXT_BYTES_MAX)));
    }
    return frames.length === 1 ? frames[0] : new Uint8Array(Buffer.concat(frames));
  }

  /** @throws {Error} whatever does not fit */
  open(frame: Uint8Array): Uint8Array {
    const envelope = envelopeOf(frame);
    if (this.#opening === undefined) this.#meet(envelope);
    else if (envelope.client !== undefined) throw new Error("it begins anew");
    if (envelope.kid !== this.#key!.id) throw new Error("its key is another");
    const text = this.#opening!.open(envelope);
    if (this.#isListener && this.#opening!.count === 1) this.#checkFresh();
    return text;
  }

  #frame(text: Uint8Array): Uint8Array {
    const sealing = this.#sealing!;
    const isFirst = !this.#isListener && sealing.count === 0;
    const envelope = {
      ...sealing.seal(text),
      kid: this.#key!.id,
      ...(isFirst && { client: this.#client, opened: this.#opened }),
    };
    const body = Buffer.from(JSON.stringify(envelope));
    const frame = Buffer.alloc(4 + body.length);
    frame.writeUInt32BE(body.length);
    body.copy(frame, 4);
    return new Uint8Array(frame.buffer, frame.byteOffset, frame.length);
  }

  /** The first frame of a client. Nothing in it is believed until it could be opened. */
  #meet({ client, opened, kid }: Envelope): void {
    const key = this.#options.keys.find(({ id }) => id === kid);
    if (key === undefined) throw new Error("its key is unknown");
    if (client === undefined || opened === undefined) {
      throw new Error("it does not begin at the beginning");
    }
    this.#opened = opened;
    this.#begin(client, key, opened);
  }

  #checkFresh(): void {
    const refusal = this.#options.guard!.refusal(this.#client!, this.#opened!);
    if (refusal !== undefined) throw new Error(`the connection is refused: ${refusal}`);
  }

  #begin(client: string, key: HopKey, opened: number): void {
    this.#client = client;
    this.#key = key;
    const flow = (direction: Direction) => new Flow(key, client, opened, direction);
    const [inward, outward] = [flow("to server"), flow("to client")];
    [this.#opening, this.#sealing] = this.#isListener ? [inward, outward] : [outward, inward];
  }
}

/** One direction of one connection. */
class Flow {
  /** Frames so far. */
  count = 0;
  readonly #key: Uint8Array;
  readonly #associated: Uint8Array;

  constructor({ secret }: HopKey, client: string, opened: number, direction: Direction) {
    const info = `sluice private hop 1 ${direction}`;
    this.#key = new Uint8Array(hkdfSync("sha256", secret, client, info, KEY_BYTES));
    this.#associated = Buffer.from(`${client} ${opened} ${direction}`);
  }

  seal(text: Uint8Array) {
    const iv = ivOf(this.count++);
    const cipher = createCipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#associated);
    const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
    return {
      encrypted: encrypted.toString("base64"),
      iv: iv.toString("base64"),
      tag: cipher.getAuthTag().toString("base64"),
    };
  }

  open({ encrypted, iv, tag }: Envelope): Uint8Array {
    const expected = ivOf(this.count);
    if (iv !== expected.toString("base64")) throw new Error("it is out of order");
    const seal = Buffer.from(tag, "base64");
    if (seal.length !== TAG_BYTES) throw new Error("its tag is too short");
    const decipher = createDecipheriv(CIPHER, this.#key, expected, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#associated);
    decipher.setAuthTag(seal);
    const text = Buffer.concat([
      decipher.update(Buffer.from(encrypted, "base64")),
      decipher.final(),
    ]);
    this.count++;
    return new Uint8Array(text.buffer, text.byteOffset, text.length);
  }
}

class SealedDecoder implements Decoder {
  readonly #hop: SealedHop;
  readonly #inner: Decoder;
  readonly #frames = new LengthFrames(FRAME_BYTES_MAX);
  #isOver = false;

  constructor(hop: SealedHop, inner: Decoder) {
    this.#hop = hop;
    this.#inner = inner;
  }

  push(chunk: Uint8Array): Batch {
    const batch: Message[] = [];
    if (this.#isOver) return batch;
    const problem = this.#frames.push(chunk, (frame) => this.#take(frame, batch));
    if (problem !== undefined) this.#fail(problem, batch);
    return batch;
  }

  end(): Batch {
    if (this.#isOver) return [];
    const problem = this.#frames.end();
    return problem === undefined ? this.#inner.end() : [Message.invalid(problem)];
  }

  /** False when there is nothing more to understand. */
  #take(frame: Uint8Array, batch: Message[]): boolean {
    let text: Uint8Array;
    try {
      text = this.#hop.open(frame);
    } catch (error) {
      const why = `Cannot open sealed frame: ${reasonOf(error)}`;
      this.#fail(new GatewayError("ParseError", why, { fatal: true, cause: error }), batch);
      return false;
    }
    const messages = this.#inner.push(text);
    batch.push(...messages);
    return !messages.some(({ problem }) => problem?.fatal);
  }

  #fail(problem: GatewayError, batch: Message[]): void {
    this.#isOver = true;
    batch.push(Message.invalid(problem));
  }
}

/** The number of a frame as a vector. */
function ivOf(count: number): Buffer {
  const iv = Buffer.alloc(IV_BYTES);
  iv.writeUIntBE(count, IV_BYTES - 6, 6);
  return iv;
}

const ID_CHARS_MAX = 128;

/** @throws {Error} what is no envelope */
function envelopeOf(frame: Uint8Array): Envelope {
  const value: unknown = JSON.parse(
    Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString(),
  );
  const { encrypted, iv, tag, kid, client, opened } = (value ?? {}) as Record<string, unknown>;
  const isText = (part: unknown, max = ID_CHARS_MAX): part is string =>
    typeof part === "string" && part.length <= max;
  if (!isText(encrypted, FRAME_BYTES_MAX) || !isText(iv) || !isText(tag) || !isText(kid)) {
    throw new Error("it is no envelope");
  }
  if (client === undefined && opened === undefined) return { encrypted, iv, tag, kid };
  if (!isText(client) || !Number.isSafeInteger(opened)) throw new Error("it is no envelope");
  return { encrypted, iv, tag, kid, client, opened: opened as number };
}
