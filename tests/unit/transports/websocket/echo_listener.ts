/**
 * WebSocket listeners whose connections echo, for tests.
 *
 * @module
 */
import type { Connection } from "../../../../lib/core/connection.ts";
import {
  type WebSocketListener,
  type WebSocketOptions,
  WebSocketTransport,
} from "../../../../transports/websocket/transport.ts";

/** A listener on 127.0.0.1 and what it accepted. */
export class EchoListener implements AsyncDisposable {
  readonly listener: WebSocketListener;
  /** In order of arrival. */
  readonly connections: Connection[] = [];
  readonly #served: Promise<void>;
  #waiters: (() => void)[] = [];

  private constructor(listener: WebSocketListener, serve: (connection: Connection) => unknown) {
    this.listener = listener;
    this.#served = this.#serve(serve);
  }

  /** Binds a free port. Connections echo unless something else is to be done with them. */
  static async bind(
    options: WebSocketOptions = {},
    serve: (connection: Connection) => unknown = echo,
    url = new URL("ws://127.0.0.1:0"),
  ): Promise<EchoListener> {
    const transport = new WebSocketTransport(options);
    const listener = await transport.listen({ url }, new AbortController().signal);
    return new EchoListener(listener, serve);
  }

  /** Where it listens. */
  get url(): URL {
    return this.listener.url;
  }

  /** Port that is bound. */
  get port(): number {
    return this.listener.http.port;
  }

  /** The connection that was accepted as the n-th, from 0. */
  async accepted(n = 0): Promise<Connection> {
    while (this.connections.length <= n) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return this.connections[n];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    this.listener.http.destroyConnections();
    await this.#served;
    for (const connection of this.connections) await connection[Symbol.asyncDispose]();
    await this.listener.http.closed;
  }

  async #serve(serve: (connection: Connection) => unknown): Promise<void> {
    for await (const connection of this.listener as AsyncIterable<Connection>) {
      this.connections.push(connection);
      serve(connection);
      for (const wake of this.#waiters.splice(0)) wake();
    }
  }
}

/** Sends everything back. */
export function echo(connection: Connection): void {
  connection.readable.pipeTo(connection.writable).catch(() => {}); // the tests look at `closed`
}

/** Leaves the connection to the test. */
export function leave(): void {
  // nothing
}
