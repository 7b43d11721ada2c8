/**
 * The WebSocket endpoint of an HTTP listener.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Admit } from "../../lib/core/admission.ts";
import type { Connection, Peer } from "../../lib/core/connection.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { ArrivalQueue } from "../http/arrival_queue.ts";
import type { HttpListener } from "../http/listener.ts";
import { refuse } from "../http/refusal.ts";
import { admitted, requestInfoOf } from "../http/request_info.ts";
import { refuseUpgrade } from "../http/upgrades.ts";
import { CloseCode } from "./close_codes.ts";
import { WebSocketConnection } from "./connection.ts";
import { hopFormat, JSON_TEXT } from "./format.ts";
import { HalfClosingWebSocket } from "./half_closing.ts";
import {
  chooseProtocol,
  dropSmallWindows,
  handshakeProblem,
  HOP_PROTOCOL,
  upgradeRequired,
} from "./handshake.ts";
import { Heartbeats } from "./heartbeats.ts";
import { WebSocketServer, type WsServer } from "./library.ts";
import {
  DEFAULT_LIMITS,
  heartbeatIntervalMs,
  libraryOptions,
  type WebSocketLimits,
} from "./options.ts";

/** Path of the WebSocket endpoint. */
export const WEBSOCKET_PATH = "/mcp/ws";

/** Limits and hooks of an endpoint. */
export interface WebSocketServerOptions extends Partial<WebSocketLimits> {
  /** Called with the status of every handshake that was refused here, and with the client's address where its form was bad. */
  readonly onRefused?: (status: number, address?: string) => void;
  /** Says who each client is; absent where nobody asks. */
  readonly admit?: Admit;
}

/** Where connections go; false when there is no room. */
export interface Arrivals {
  push(connection: Connection): boolean;
}

/** What the endpoint needs of a listener, whatever lies below it. */
export type UpgradingListener = Pick<HttpListener, "upgrade" | "route" | "isDraining" | "proxies">;

/** Connections that nobody has taken yet; more are refused as overload. */
const ARRIVALS_MAX = 1024;

/** Serves a path of a listener with WebSockets. */
export class WebSocketServerEndpoint {
  readonly #listener: UpgradingListener;
  readonly #arrivals: Arrivals;
  readonly #limits: WebSocketLimits;
  readonly #heartbeats: Heartbeats;
  readonly #server: WsServer;
  readonly #onRefused: (status: number, address?: string) => void;
  readonly #admit: Admit | undefined;

  /** @param arrivals takes the connections, in order */
  constructor(
    listener: UpgradingListener,
    path: string,
    arrivals: Arrivals,
    options: WebSocketServerOptions = {},
  ) {
    this.#listener = listener;
    this.#arrivals = arrivals;
    this.#limits = { ...DEFAULT_LIMITS, ...options };
    this.#heartbeats = new Heartbeats(heartbeatIntervalMs(this.#limits));
    this.#onRefused = options.onRefused ?? (() => {});
    this.#admit = options.admit;
    this.#server = new WebSocketServer({
      ...libraryOptions(this.#limits, "server"),
      noServer: true,
      clientTracking: false,
      WebSocket: HalfClosingWebSocket,
      handleProtocols: (offered) => chooseProtocol(offered, this.#limits.hop),
    });
    listener.upgrade(path, (req, socket, head) => this.#onUpgrade(req, socket, head));
    listener.route(path, (req, res) => refuse(req, res, upgradeRequired()));
  }

  #onUpgrade(req: IncomingMessage, socket: Socket, head: Uint8Array): void {
    const problem = handshakeProblem(req);
    if (problem !== undefined) {
      this.#onRefused(problem.status, this.#listener.proxies.clientAddress(req));
      return refuseUpgrade(socket, problem);
    }
    dropSmallWindows(req);
    const request = requestInfoOf(req, this.#listener.proxies, "websocket");
    admitted(this.#admit, request, (identity) => {
      if (socket.destroyed) return; // gone meanwhile
      const { header: _, ...known } = request;
      const peer: Peer = identity === undefined ? known : { ...known, identity };
      this.#server.handleUpgrade(req, socket, head, (ws) => {
        this.#accept(ws as HalfClosingWebSocket, socket, peer);
      });
    }, (error) => {
      this.#onRefused(error.status);
      refuseUpgrade(socket, error);
    });
  }

  #accept(ws: HalfClosingWebSocket, socket: Socket, peer: Peer): void {
    const connection = new WebSocketConnection({
      role: "server",
      ws,
      socket,
      peer,
      format: ws.protocol === HOP_PROTOCOL ? hopFormat(this.#limits) : JSON_TEXT,
      limits: this.#limits,
      heartbeats: this.#heartbeats,
      closeCode: () => this.#listener.isDraining ? CloseCode.goingAway : CloseCode.normal,
    });
    if (!this.#arrivals.push(connection)) connection.abort(TOO_MANY);
  }
}

/** A queue of arrivals for an endpoint that has none. */
export function webSocketArrivals(): ArrivalQueue<Connection> {
  return new ArrivalQueue<Connection>(ARRIVALS_MAX);
}

const TOO_MANY = new GatewayError("Overloaded", "Cannot accept connection: too many are waiting");
