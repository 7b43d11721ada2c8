/**
 * What HTTP/2 looks like from outside, as far as we look.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Its name in a TLS handshake (RFC 9113, 3.3). */
export const HTTP2_ALPN = "h2";

/** What every client begins with (RFC 9113, 3.4). */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Bytes of a frame before its payload (RFC 9113, 4.1). */
export const FRAME_HEAD_BYTES = 9;

/** The types of frames that are told apart (RFC 9113, 6). */
export const FrameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** END_STREAM of DATA and HEADERS. */
export const END_STREAM = 1;
/** PADDED of DATA and HEADERS. */
export const PADDED = 8;
/** Most bytes of padding, its length included. */
export const PADDING_BYTES_MAX = 256;

/** Reasons for the end of a stream or a connection (RFC 9113, 7). */
export const ErrorCode = {
  none: 0,
  protocolError: 1,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  enhanceYourCalm: 11,
} as const;

/**
 * A GOAWAY frame (RFC 9113, 6.8).
 *
 * @param lastStream what came on later streams has not been looked at
 * @param reason for whoever looks at the client's log; ASCII
 */
export function goAway(lastStream: number, code: number, reason: string): Uint8Array {
  const payloadBytes = 8 + reason.length;
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + payloadBytes);
  frame.writeUIntBE(payloadBytes, 0, 3);
  frame.writeUInt8(FrameType.goAway, 3);
  frame.writeUInt32BE(lastStream, 9);
  frame.writeUInt32BE(code, 13);
  frame.write(reason, 17, "latin1");
  return frame;
}
