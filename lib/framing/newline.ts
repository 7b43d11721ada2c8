/**
 * One JSON text per line, UTF-8: the framing of MCP on stdio (MCP specification, transports, stdio)
 * and of our byte streams.
 *
 * @module
 */
import type { Batch, Codec, Decoder } from "../core/connection.ts";
import { allocate } from "../core/byte_pool.ts";
import { GatewayError } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import { shortLived } from "../core/short_lived.ts";
import { GrowingBytes } from "./growing_bytes.ts";

/** What the framing refuses. */
export interface NewlineLimits {
  /** Longest line without its line feed, bytes; for what is received. */
  readonly messageBytesMax: number;
}

/**
 * The newline framing.
 *
 * Received: CRLF is taken, blank lines are skipped, a last line without a line end counts. A line over
 * the limit becomes one fatal `PayloadTooLarge`, and nothing after it is read: where the next message
 * begins is not worth knowing once a peer ignores limits.
 *
 * Sent: line breaks between tokens become spaces, so one message is always one line.
 */
export function newline(limits: NewlineLimits): Codec {
  return {
    name: "newline",
    decoder: () => new NewlineDecoder(limits.messageBytesMax),
    encode: (batch) => encodeLines(batch, allocate),
    encodeInto: encodeLines,
  };
}

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, TAB = 0x09;

class NewlineDecoder implements Decoder {
  readonly #lineBytesMax: number;
  /** The line that has begun in earlier chunks. */
  readonly #begun: GrowingBytes;
  #isOver = false;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
    this.#begun = new GrowingBytes(lineBytesMax);
  }

  push(chunk: Uint8Array): Batch {
    const batch = shortLived<Message>();
    let start = 0;
    while (!this.#isOver) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) break;
      if (this.#begun.length > 0) {
        if (this.#begun.append(chunk, start, end)) this.#add(batch, this.#begun.take());
        else this.#refuse(batch);
      } else if (end - start > this.#lineBytesMax) this.#refuse(batch);
      else this.#add(batch, chunk.subarray(start, end));
      start = end + 1;
    }
    if (!this.#isOver && start < chunk.length && !this.#begun.append(chunk, start)) {
      this.#refuse(batch);
    }
    return batch;
  }

  end(): Batch {
    const batch: Message[] = [];
    this.#add(batch, this.#begun.take());
    this.#isOver = true;
    return batch;
  }

  #add(batch: Message[], line: Uint8Array): void {
    if (!isBlank(line)) batch.push(Message.from(line));
  }

  #refuse(batch: Message[]): void {
    this.#isOver = true;
    this.#begun.take();
    const why = `its line is longer than ${this.#lineBytesMax} bytes`;
    batch.push(
      Message.invalid(
        new GatewayError("PayloadTooLarge", `Cannot accept message: ${why}`, { fatal: true }),
      ),
    );
  }
}

function isBlank(line: Uint8Array): boolean {
  for (let i = 0; i < line.length; i++) {
    const byte = line[i];
    if (byte !== SPACE && byte !== CR && byte !== TAB) return false;
  }
  return true;
}

function encodeLines(batch: Batch, lend: (byteLength: number) => Uint8Array): Uint8Array {
  let byteLength = 0;
  for (const message of batch) byteLength += message.bytes.length + 1;
  const lines = lend(byteLength);
  let at = 0;
  for (const message of batch) {
    const line = message.lineBytes();
    lines.set(line, at);
    at += line.length;
    lines[at++] = LF;
  }
  return lines;
}
