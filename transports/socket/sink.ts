/**
 * The sending half of a `node:net` or `node:tls` socket as a {@link ByteSink}.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { ByteSink } from "../../lib/framing/bytes.ts";

/** A write resolves when the system has taken all of it: what the peer does not read stays unwritten. */
export class SocketSink implements ByteSink {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.write(chunk, (error) => error ? reject(error) : resolve())
    );
  }

  /** Tells the peer that nothing more will come. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  /** Ends a write that waits, too. */
  abort(): void {
    this.#socket.destroy();
  }
}
