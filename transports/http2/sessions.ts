/**
 * The HTTP/2 connections of one listener.
 *
 * @module
 */
import type http from "node:http";
import type { Socket } from "node:net";
import type tls from "node:tls";
import type { ConnectionLimits } from "../guard/connection_limits.ts";
import { Http2Session, type SessionOptions, type SessionRules } from "./session.ts";
import { UploadSlack } from "./upload_slack.ts";
import { HTTP2_ALPN } from "./wire.ts";

const SECURED = "secureConnection";

/** It has four descriptors instead of one, and the limit leaves each connection about two. */
const PLACES = 3;

/** A server of `node:https` serves a secured connection as HTTP/1.1. */
type Serve = (this: http.Server, socket: Socket) => void;

/** All of them. */
export class Http2Sessions {
  readonly #limits: ConnectionLimits | undefined;
  readonly #rules: SessionRules;
  readonly #running = new Map<Http2Session, Promise<void>>();

  /**
   * @param server serves the requests; it is not given the connections that speak HTTP/2
   * @param limits that each connection takes more places of, for its descriptors
   */
  constructor(server: http.Server, options: SessionOptions, limits?: ConnectionLimits) {
    this.#limits = limits;
    const [serve] = server.listeners(SECURED) as Serve[]; // none in the clear, or in Deno 2.6
    this.#rules = {
      ...options,
      slack: new UploadSlack(),
      serve: (socket) => serve.call(server, socket),
    };
    if (serve === undefined) return;
    server.off(SECURED, serve).on(SECURED, (socket: tls.TLSSocket) => {
      if (!speaksHttp2(socket)) serve.call(server, socket);
    });
  }

  /** Serves a secured connection if its handshake has chosen HTTP/2. `raw` lies below it. */
  offer(socket: tls.TLSSocket, raw: Socket): void {
    if (!speaksHttp2(socket)) return;
    if (!this.#admit(socket)) return void socket.destroy();
    const session = new Http2Session(socket, raw, this.#rules);
    this.#running.set(session, session.run().finally(() => this.#running.delete(session)));
  }

  #admit(socket: Socket): boolean {
    for (let place = 1; this.#limits !== undefined && place < PLACES; place++) {
      const release = this.#limits.admit(undefined); // its address has been counted
      if (release === undefined) return false;
      socket.once("close", release);
    }
    return true;
  }

  /** Requests under way on all connections. */
  *streams(): Iterable<Socket> {
    for (const session of this.#running.keys()) yield* session.streams;
  }

  /** Tells all clients to leave when they have their answers. */
  leave(): void {
    for (const session of this.#running.keys()) session.leave();
  }

  /** Holds them to their deadlines. */
  sweep(nowMs: number): void {
    for (const session of this.#running.keys()) session.sweep(nowMs);
  }

  /** Resolves when nothing is left of those whose connections are closed. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.values());
  }
}

function speaksHttp2(socket: tls.TLSSocket): boolean {
  return socket.alpnProtocol === HTTP2_ALPN;
}
