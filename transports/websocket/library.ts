/**
 * What is used of `npm:ws`, with types: the package has none of its own.
 *
 * @module
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import * as untyped from "ws";

/** An open WebSocket, or one that is being opened. */
export interface Ws {
  /** Subprotocol that was agreed on; `""` for none. */
  readonly protocol: string;
  /** Names of the extensions that were agreed on, with commas. */
  readonly extensions: string;
  /** 1 while frames can be sent. */
  readonly readyState: number;
  /** Bytes that the kernel has not taken. */
  readonly bufferedAmount: number;
  send(data: Uint8Array, options: SendOptions, sent?: (error?: Error) => void): void;
  ping(): void;
  pong(data: Uint8Array): void;
  close(code?: number, reason?: string | Uint8Array): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Uint8Array) => void): this;
  on(event: "close", listener: (code: number, reason: Uint8Array) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  once(event: "open", listener: () => void): this;
  once(event: "upgrade", listener: (res: IncomingMessage) => void): this;
  once(event: "error", listener: (error: Error) => void): this;
  once(
    event: "unexpected-response",
    listener: (req: ClientRequest, res: IncomingMessage) => void,
  ): this;
  off(event: string, listener: (...args: never[]) => void): this;
}

/** How one frame is sent. */
export interface SendOptions {
  readonly binary: boolean;
  /** Whether it is the last of its message. */
  readonly fin: boolean;
  readonly compress: boolean;
}

/** Parameters of permessage-deflate (RFC 7692). */
export interface DeflateOptions {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
  /** Smaller messages are sent as they are, bytes. */
  readonly threshold: number;
  /** Messages of the whole process in work at once. */
  readonly concurrencyLimit: number;
  readonly zlibDeflateOptions: { readonly level: number; readonly memLevel: number };
}

/** What both sides can set. */
export interface CommonOptions {
  /** Longest message, bytes, inflated. */
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  /** How long the closing handshake may take, ms. */
  readonly closeTimeout: number;
  readonly autoPong: boolean;
  readonly perMessageDeflate: DeflateOptions | false;
}

/** What a server can set. */
export interface ServerOptions extends CommonOptions {
  readonly noServer: true;
  readonly clientTracking: false;
  readonly WebSocket: typeof WebSocket;
  /** The subprotocol to agree on; `false` for none. */
  readonly handleProtocols: (offered: ReadonlySet<string>) => string | false;
}

/** What a client can set, besides options of `http.request`. */
export interface ClientOptions extends CommonOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly createConnection: () => Duplex;
  readonly followRedirects: false;
}

/** Makes WebSockets of requests to upgrade. */
export interface WsServer {
  handleUpgrade(
    req: IncomingMessage,
    socket: Socket,
    head: Uint8Array,
    done: (websocket: Ws) => void,
  ): void;
}

interface Library {
  readonly WebSocket: {
    /** Whatever arguments the library wants to pass: subclasses hand them on. */
    new (url: string | URL, protocols: readonly string[], options: ClientOptions): Ws;
  };
  readonly WebSocketServer: new (options: ServerOptions) => WsServer;
}

/** Classes of the library. */
export const { WebSocket, WebSocketServer } = untyped as unknown as Library;

/** `readyState` of a WebSocket that frames can be sent on. */
export const OPEN = 1;
