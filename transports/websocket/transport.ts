/**
 * WebSocket as a {@link Transport}.
 *
 * @module
 */
import type { Connection, Endpoint, Listener, Transport } from "../../lib/core/connection.ts";
import { bindHttp } from "../http/bind.ts";
import type { HttpListener } from "../http/listener.ts";
import type { HttpListenerOptions } from "../http/listener_options.ts";
import { dialWebSocket, type WebSocketClientOptions } from "./client.ts";
import {
  WEBSOCKET_PATH,
  webSocketArrivals,
  WebSocketServerEndpoint,
  type WebSocketServerOptions,
} from "./server.ts";

/** Limits and hooks of both sides. */
export interface WebSocketOptions {
  readonly listener?: HttpListenerOptions;
  readonly server?: WebSocketServerOptions;
  readonly client?: WebSocketClientOptions;
}

/**
 * WebSocket over `ws:` and `wss:` URLs. It listens alone on its port; beside other endpoints, use
 * {@link WebSocketServerEndpoint}.
 */
export class WebSocketTransport implements Transport {
  readonly name = "websocket";
  readonly #options: WebSocketOptions;

  constructor(options: WebSocketOptions = {}) {
    this.#options = options;
  }

  dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    return dialWebSocket(endpoint, signal, this.#options.client);
  }

  async listen(endpoint: Endpoint, signal: AbortSignal): Promise<WebSocketListener> {
    signal.throwIfAborted();
    const http = await bindHttp(httpUrl(endpoint.url), this.#options.listener);
    return new WebSocketListener(http, this.#options.server);
  }
}

/** A listener with nothing but the WebSocket endpoint on it. */
export class WebSocketListener implements Listener {
  /** Where it listens: the URL of the endpoint. */
  readonly url: URL;
  /** The port beneath. */
  readonly http: HttpListener;
  readonly #arrivals = webSocketArrivals();

  constructor(http: HttpListener, options?: WebSocketServerOptions) {
    this.http = http;
    this.url = new URL(WEBSOCKET_PATH, http.url);
    this.url.protocol = http.isSecure ? "wss:" : "ws:";
    new WebSocketServerEndpoint(http, WEBSOCKET_PATH, this.#arrivals, options);
  }

  get closed(): Promise<void> {
    return this.http.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#arrivals[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#arrivals.end();
    await this.http[Symbol.asyncDispose]();
  }
}

function httpUrl(url: URL): URL {
  return new URL(url.href.replace(/^ws/, "http"));
}
