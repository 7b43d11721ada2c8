/**
 * How messages lie in WebSocket messages.
 *
 * @module
 */
import { allocate } from "../../lib/core/byte_pool.ts";
import type { Batch } from "../../lib/core/connection.ts";
import { Message } from "../../lib/core/message.ts";
import { privateHop } from "../../lib/framing/private_hop.ts";
import type { WebSocketLimits } from "./options.ts";

/** One per connection: it may remember what came before. */
export interface MessageFormat {
  /** Whether we send binary frames. */
  readonly isBinary: boolean;
  /** The messages in one WebSocket message. Its bytes belong to others as soon as this returns. */
  decode(data: Uint8Array): Batch;
  /** What to send for a batch, one WebSocket message each. */
  encode(batch: Batch): readonly Uint8Array[];
}

/** Larger messages are views of what was read. */
const COPY_BYTES_MAX = 2048;

/**
 * The subprotocol `mcp`: a JSON text is a WebSocket message, sent in text frames, taken in either kind.
 *
 * Small messages are copied: those of one read are views of one array of up to 64 KiB, which each would
 * keep alive; and they come as `Buffer`, which would make every access of the scanner polymorphic.
 */
export const JSON_TEXT: MessageFormat = {
  isBinary: false,
  decode: (data) => [Message.from(ownBytes(data))],
  encode: (batch) => batch.map((message) => message.bytes),
};

/**
 * The subprotocol `sluice.v1`, between two gateways: binary messages are pieces of one stream of bytes, so
 * that a batch may be larger than a message.
 */
export function hopFormat({ messageBytesMax, frameBytesMax }: WebSocketLimits): MessageFormat {
  const codec = privateHop({ messageBytesMax });
  const decoder = codec.decoder();
  return {
    isBinary: true,
    decode: (data) => decoder.push(ownBytes(data)),
    encode(batch) {
      const bytes = codec.encode(batch);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += frameBytesMax) {
        pieces.push(bytes.subarray(at, at + frameBytesMax));
      }
      return pieces;
    },
  };
}

function ownBytes(data: Uint8Array): Uint8Array {
  if (data.length > COPY_BYTES_MAX) {
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  }
  const bytes = allocate(data.length);
  bytes.set(data);
  return bytes;
}
