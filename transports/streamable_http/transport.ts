/**
 * Streamable HTTP as a {@link Transport}.
 *
 * @module
 */
import type {
  Connection,
  Endpoint,
  Exchange,
  Listener,
  Transport,
} from "../../lib/core/connection.ts";
import { bindHttp } from "../http/bind.ts";
import type { HttpListener } from "../http/listener.ts";
import type { HttpListenerOptions } from "../http/listener_options.ts";
import { dialStreamableHttp, type StreamableHttpClientOptions } from "./client.ts";
import { MCP_PATH, StreamableHttpServer, type StreamableHttpServerOptions } from "./server.ts";

/** Limits and hooks of both sides. */
export interface StreamableHttpOptions {
  readonly listener?: HttpListenerOptions;
  readonly server?: StreamableHttpServerOptions;
  readonly client?: StreamableHttpClientOptions;
}

/** Streamable HTTP over `http:` and `https:` URLs. */
export class StreamableHttpTransport implements Transport {
  readonly name = "http";
  readonly #options: StreamableHttpOptions;

  constructor(options: StreamableHttpOptions = {}) {
    this.#options = options;
  }

  dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    return dialStreamableHttp(endpoint, signal, this.#options.client);
  }

  async listen(endpoint: Endpoint, signal: AbortSignal): Promise<StreamableHttpListener> {
    signal.throwIfAborted();
    const http = await bindHttp(endpoint.url, this.#options.listener);
    return new StreamableHttpListener(http, this.#options.server);
  }
}

/** A listener with the MCP endpoint on it. */
export class StreamableHttpListener implements Listener {
  /** Where it listens: the URL of the MCP endpoint. */
  readonly url: URL;
  /** The port beneath: routes, connections, the hard end. */
  readonly http: HttpListener;
  readonly #server: StreamableHttpServer;

  constructor(http: HttpListener, options?: StreamableHttpServerOptions) {
    this.http = http;
    this.url = new URL(MCP_PATH, http.url);
    this.#server = new StreamableHttpServer(http, MCP_PATH, options);
  }

  get closed(): Promise<void> {
    return this.http.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Exchange> {
    return this.#server.arrivals[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.end();
    await this.http[Symbol.asyncDispose]();
  }
}
