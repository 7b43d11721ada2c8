/**
 * Limits of WebSocket connections, of both sides.
 *
 * @module
 */
import {
  BUFFER_BYTES_MAX,
  CLOSE_FLUSH_MS,
  HEARTBEAT_MS,
  MESSAGE_BYTES_MAX,
} from "../../lib/core/limits.ts";
import type { CommonOptions, DeflateOptions } from "./library.ts";

/** What can be set about connections. */
export interface WebSocketLimits {
  /** Longest message taken, bytes, inflated; longer ones end the connection with 1009. */
  readonly messageBytesMax: number;
  /** Longest frame sent; longer messages are sent in several, bytes. */
  readonly frameBytesMax: number;
  /** Bytes that may wait for the peer. */
  readonly bufferBytesMax: number;
  /** How often the peer is pinged, ms. */
  readonly pingIntervalMs: number;
  /** Silence after a ping that counts as missed, ms; the second in a row ends the connection. */
  readonly pongTimeoutMs: number;
  /** More pings and pongs than this in a second end the connection with 1008. */
  readonly controlFramesPerSecondMax: number;
  /** More messages that are none than this in a minute end the connection with 1008. */
  readonly badMessagesPerMinuteMax: number;
  /** How long a closing handshake in order may take, ms, and the answers that it waits for. */
  readonly closeTimeoutMs: number;
  /** How long the socket of an aborted connection stays so that the peer can read why, ms. */
  readonly lingerMs: number;
  /** Whether permessage-deflate is agreed to, for messages over 1 KiB. */
  readonly compression: boolean;
  /** Whether a server agrees to the framing between two gateways; clients offer it where the URL says so. */
  readonly hop: boolean;
}

/** What is not said otherwise. */
export const DEFAULT_LIMITS: WebSocketLimits = {
  messageBytesMax: MESSAGE_BYTES_MAX,
  frameBytesMax: 64 * 1024,
  bufferBytesMax: BUFFER_BYTES_MAX,
  pingIntervalMs: HEARTBEAT_MS,
  pongTimeoutMs: 10_000,
  controlFramesPerSecondMax: 1000,
  badMessagesPerMinuteMax: 16,
  closeTimeoutMs: CLOSE_FLUSH_MS,
  lingerMs: 10_000,
  compression: true,
  hop: false,
};

/** Fragments of one message; a peer that sends single bytes would have us keep an object for each. */
const FRAGMENTS_MAX = 16 * 1024;
/** Reads that one frame may be spread over. */
const CHUNKS_MAX = 16 * 1024;

/** Smallest window that we compress with, bits: 4 KiB. */
export const WINDOW_BITS = 12;

/**
 * Nothing is remembered between messages, and we compress with windows of 4 KiB: 48 KB a connection
 * instead of 256.
 */
const DEFLATE: DeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 1024,
  concurrencyLimit: 10,
  zlibDeflateOptions: { level: 1, memLevel: 6 },
};

/** The limits as the library wants them. */
export function libraryOptions(
  limits: WebSocketLimits,
  role: "server" | "client",
): CommonOptions {
  const window = role === "server"
    ? { serverMaxWindowBits: WINDOW_BITS }
    : { clientMaxWindowBits: WINDOW_BITS };
  return {
    maxPayload: limits.messageBytesMax,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: CHUNKS_MAX,
    closeTimeout: limits.lingerMs,
    autoPong: false, // the library gives up on a peer with 60 pongs on their way
    perMessageDeflate: limits.compression && { ...DEFLATE, ...window },
  };
}

/** How often to look whether peers are still there, ms. */
export function heartbeatIntervalMs(limits: WebSocketLimits): number {
  return Math.min(1000, limits.pongTimeoutMs / 2, limits.pingIntervalMs / 2);
}
