/**
 * A byte-stream socket as a {@link Connection}.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Batch, Codec, Connection, Decoder, Peer } from "../../lib/core/connection.ts";
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
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #source: SocketSource;
  readonly #streams: Framed;
  readonly #gone: Promise<void>;
  #disposal: Promise<void> | undefined;

  constructor({ socket, source, peer, codec, bufferBytesMax, onFirstMessage }: SocketParts) {
    this.peer = peer;
    this.#socket = socket;
    this.#source = source;
    const told = onFirstMessage === undefined ? codec : telling(codec, onFirstMessage);
    this.#streams = framed(source, new SocketSink(socket), told, { bufferBytesMax });
    this.readable = this.#streams.readable;
    this.writable = this.#streams.writable;
    this.closed = this.#streams.ended;
    this.#gone = new Promise((resolve) => {
      if (socket.destroyed) resolve();
      else socket.once("close", () => resolve());
    });
    // A socket that has gone takes no more, but what it has brought is still read.
    this.#gone.then(() => this.#streams.readingEnded)
      .then(() => this.#streams.finish(), () => {}); // told by `closed`
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
    await Promise.race([this.#streams.flushed(), this.#gone]);
    this.#streams.finish();
    this.#source.cancel();
    socket.end();
    await this.#gone;
    clearTimeout(timer);
  }
}

/** The codec, telling of the first message that it decodes. */
function telling(codec: Codec, onFirstMessage: () => void): Codec {
  return {
    name: codec.name,
    encode: (batch) => codec.encode(batch),
    decoder: () => new TellingDecoder(codec.decoder(), onFirstMessage),
  };
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
