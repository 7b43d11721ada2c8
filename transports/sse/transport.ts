/**
 * HTTP with SSE (protocol version 2024-11-05) as a {@link Transport}.
 *
 * @module
 */
import type { Connection, Endpoint, Listener, Transport } from "../../lib/core/connection.ts";
import { bindHttp } from "../http/bind.ts";
import type { HttpListener } from "../http/listener.ts";
import type { HttpListenerOptions } from "../http/listener_options.ts";
import { dialSse, type SseClientOptions } from "./client.ts";
import { SSE_PATH, SseServer, type SseServerOptions } from "./server.ts";

/** Limits and hooks of both sides. */
export interface SseOptions {
  readonly listener?: HttpListenerOptions;
  readonly server?: SseServerOptions;
  readonly client?: SseClientOptions;
}

/** HTTP+SSE: dials `sse+http:` and `sse+https:` URLs, listens on `http:` and `https:` URLs. */
export class SseTransport implements Transport {
  readonly name = "sse";
  readonly #options: SseOptions;

  constructor(options: SseOptions = {}) {
    this.#options = options;
  }

  dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    return dialSse(endpoint, signal, this.#options.client);
  }

  async listen(endpoint: Endpoint, signal: AbortSignal): Promise<SseListener> {
    signal.throwIfAborted();
    const http = await bindHttp(endpoint.url, this.#options.listener);
    return new SseListener(http, this.#options.server);
  }
}

/** A listener with the two paths of HTTP+SSE on it; other endpoints may share the port beneath. */
export class SseListener implements Listener {
  /** Where the event stream is. */
  readonly url: URL;
  /** The port beneath: routes, connections, the hard end. */
  readonly http: HttpListener;
  readonly #server: SseServer;

  constructor(http: HttpListener, options?: SseServerOptions) {
    this.http = http;
    this.url = new URL(SSE_PATH, http.url);
    this.#server = new SseServer(http, options);
  }

  get closed(): Promise<void> {
    return this.http.closed;
  }

  /** Connections at present, those that wait for their client included. */
  get connections(): number {
    return this.#server.connections;
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#server.arrivals[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.end();
    await this.http[Symbol.asyncDispose]();
  }
}
