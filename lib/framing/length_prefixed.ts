/**
 * `[Length:32 big-endian][JSON text]`: a framing in which no byte of a message has to be looked for.
 *
 * @module
 */
import type { Batch, Codec, Decoder } from "../core/connection.ts";
import { allocate } from "../core/byte_pool.ts";
import { GatewayError } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import { shortLived } from "../core/short_lived.ts";
import { LengthFrames } from "./length_frames.ts";

/** What the framing refuses. */
export interface LengthPrefixedLimits {
  /** Longest message, bytes; for what is received. */
  readonly messageBytesMax: number;
}

/**
 * The length-prefixed framing.
 *
 * Received: a frame over the limit becomes one fatal `PayloadTooLarge`, and nothing after it is read. An
 * empty frame is an `InvalidRequest`; a frame that the end of the stream cuts off is a fatal `ParseError`.
 */
export function lengthPrefixed(limits: LengthPrefixedLimits): Codec {
  return {
    name: "length",
    decoder: () => new LengthPrefixedDecoder(limits.messageBytesMax),
    encode: (batch) => encodeFrames(batch, allocate),
    encodeInto: encodeFrames,
  };
}

class LengthPrefixedDecoder implements Decoder {
  readonly #frames: LengthFrames;

  constructor(messageBytesMax: number) {
    this.#frames = new LengthFrames(messageBytesMax);
  }

  push(chunk: Uint8Array): Batch {
    const batch = shortLived<Message>();
    const problem = this.#frames.push(
      chunk,
      (frame) => void batch.push(frame.length === 0 ? EMPTY : Message.from(frame)),
    );
    if (problem !== undefined) batch.push(Message.invalid(problem));
    return batch;
  }

  end(): Batch {
    const problem = this.#frames.end();
    return problem === undefined ? [] : [Message.invalid(problem)];
  }
}

/** One for all: a peer can send a million of them in 4 MB, and making an error costs 3 us. */
const EMPTY = Message.invalid(
  new GatewayError("InvalidRequest", "Cannot accept message: its frame is empty"),
);

function encodeFrames(batch: Batch, lend: (byteLength: number) => Uint8Array): Uint8Array {
  let byteLength = 0;
  for (const message of batch) byteLength += 4 + message.bytes.length;
  const frames = lend(byteLength);
  let at = 0;
  for (const { bytes } of batch) {
    const { length } = bytes;
    frames[at] = length >>> 24;
    frames[at + 1] = length >>> 16;
    frames[at + 2] = length >>> 8;
    frames[at + 3] = length;
    frames.set(bytes, at + 4);
    at += 4 + length;
  }
  return frames;
}
