/**
 * A byte-stream socket as a {@link Connection}.
 *
 * @module
 */
import type { Socket } from "node:net";
import type {
  Batch,
  Codec,
  Connection,
  Decoder,
  DirectPath,
  Peer,
} from "../../lib/core/connection.ts";
import { type GatewayError, TransportError } from "../../lib/core/errors.ts";
import { CLOSE_FLUSH_MS } from "../../lib/core/limits.ts";
import { type Framed, framed } from "../../lib/framing/framed.ts";
import { SocketSink } from "./sink.ts";
import type { SocketSource } from "./source.ts";

/** What a connection is made of. */
export interface SocketParts {
  readonly socket: Socket;
  /** Made from that socket. */
  readonly source: SocketSource;
  readonly peer: Peer;
  readonly codec: Codec;
  /** Bytes that may wait for the peer. */
  readonly bufferBytesMax: number;
  /** Called when the first message has come. */
  readonly onFirstMessage?: () => void;
}

/** Ends with the socket; ends the socket when it is disposed. */
export class SocketConnection implements Connection {
  readonly kind = "connection";
  readonly peer: Peer;
  readonly #socket: Socket;
  readonly #source: SocketSource;
  readonly #streams: Framed;
  #isGone = false;
  #disposal: Promise<void> | undefined;

  constructor({ socket, source, peer, codec, bufferBytesMax, onFirstMessage }: SocketParts) {
    this.peer = peer;
    this.#socket = socket;
    this.#source = source;
    const told = onFirstMessage === undefined ? codec : new TellingCodec(codec, onFirstMessage);
    this.#streams = framed(source, new SocketSink(socket), told, { bufferBytesMax });
    if (socket.destroyed) this.#onGone();
    else socket.on("close", () => this.#onGone());
  }

  get readable(): ReadableStream<Batch> {
    return this.#streams.readable;
  }

  get writable(): WritableStream<Batch> {
    return this.#streams.writable;
  }

  get direct(): DirectPath {
    return this.#streams.direct;
  }

  get closed(): Promise<void> {
    return this.#streams.ended;
  }

  abort(reason: GatewayError): void {
    const { transport, address } = this.peer;
    const text = `Cannot go on with ${transport} ${address}: ${reason.message}`;
    this.#streams.fail(new TransportError(text, { cause: reason }));
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    const socket = this.#socket;
    // Both together have one deadline: the peer takes what is left, then ends its side.
    const timer = setTimeout(() => socket.destroy(), CLOSE_FLUSH_MS);
    const gone = this.#gone();
    await Promise.race([this.#streams.flushed(), gone]);
    this.#streams.finish();
    this.#source.cancel();
    socket.end();
    await gone;
    clearTimeout(timer);
  }

  #gone(): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  /** A socket that has gone takes no more, but what it has brought is still read. */
  #onGone(): void {
    this.#isGone = true;
    this.#streams.readingEnded.then(() => this.#streams.finish(), () => {}); // told by `closed`
  }
}

/** The codec, telling of the first message that it decodes. */
class TellingCodec implements Codec {
  readonly name: string;
  readonly #codec: Codec;
  readonly #onFirstMessage: () => void;

  constructor(codec: Codec, onFirstMessage: () => void) {
    this.name = codec.name;
    this.#codec = codec;
    this.#onFirstMessage = onFirstMessage;
  }

  decoder(): Decoder {
    return new TellingDecoder(this.#codec.decoder(), this.#onFirstMessage);
  }

  get encodeInto(): Codec["encodeInto"] {
    return this.#codec.encodeInto;
  }

  encode(batch: Batch): Uint8Array {
    return this.#codec.encode(batch);
  }
}

class TellingDecoder implements Decoder {
  readonly #decoder: Decoder;
  #onFirstMessage: (() => void) | undefined;

  constructor(decoder: Decoder, onFirstMessage: () => void) {
    this.#decoder = decoder;
    this.#onFirstMessage = onFirstMessage;
  }

  push(chunk: Uint8Array): Batch {
    const batch = this.#decoder.push(chunk);
    if (this.#onFirstMessage !== undefined && batch.length > 0) {
      this.#onFirstMessage();
      this.#onFirstMessage = undefined;
    }
    return batch;
  }

  end(): Batch {
    return this.#decoder.end();
  }
}
