/**
 * Content codings of answers: for whom, and in which writer.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  chooseEncoding,
  chooseStreamEncoding,
  encodeBody,
} from "../../lib/framing/compression/http_encoding.ts";
import { EventCompressor } from "../../lib/framing/compression/event_compressor.ts";
import { countCompressed } from "../../lib/framing/compression/process_totals.ts";
import { isLoopbackHost } from "./host_check.ts";
import type { FlatHeaders } from "./refusal.ts";
import type { TrustedProxies } from "./trusted_proxies.ts";
import { PacedWriter } from "./write.ts";

/** `auto`: not for clients on this machine, to whom a copy in memory is cheaper than any coding. */
export type CompressionMode = "auto" | "on" | "off";

/** Whether the answers to a request may be compressed at all. */
export function mayCompress(
  req: IncomingMessage,
  mode: CompressionMode,
  proxies: TrustedProxies,
): boolean {
  if (mode === "off" || req.headers["accept-encoding"] === undefined) return false;
  return mode === "on" || !isLoopbackHost(proxies.clientAddress(req));
}

/**
 * The body of an answer as the client takes it; adds the headers that say so. For bodies of
 * `ENCODE_BYTES_MIN` and more.
 *
 * @param headers of the answer, without its length
 */
export function codedBody(
  req: IncomingMessage,
  res: ServerResponse,
  headers: FlatHeaders,
  body: Uint8Array,
): Uint8Array {
  headers.push("vary", varying(res));
  const encoding = chooseEncoding(String(req.headers["accept-encoding"]), body.length);
  if (encoding === undefined) return body;
  headers.push("content-encoding", encoding);
  const coded = encodeBody(encoding, body);
  countCompressed(encoding, body.length, coded.length);
  return coded;
}

/** Where the events of a stream are written to. */
export interface EventWriter {
  /** Bytes that the client has not taken. */
  readonly waitingBytes: number;
  write(bytes: Uint8Array): void;
  /** Ends the response when everything has been written. */
  end(): void;
  /** Resolves when everything written so far has been taken, or the client has gone. */
  room(): Promise<void>;
}

/**
 * A writer for an event stream whose head is still to be written; adds the headers that say how it is coded.
 *
 * @param compress whether it may be compressed
 * @param pieceBytes most bytes of one write
 */
export function eventWriter(
  req: IncomingMessage,
  res: ServerResponse,
  headers: FlatHeaders,
  compress: boolean,
  pieceBytes?: number,
): EventWriter {
  const paced = new PacedWriter(res, pieceBytes);
  if (!compress) return paced;
  headers.push("vary", varying(res));
  if (chooseStreamEncoding(String(req.headers["accept-encoding"])) === undefined) return paced;
  headers.push("content-encoding", "gzip");
  return new CompressedWriter(res, paced);
}

/** Compresses what it is given, each write so that the client can read it at once. */
class CompressedWriter implements EventWriter {
  readonly #paced: PacedWriter;
  readonly #compressor = new EventCompressor();
  #compressing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;

  constructor(res: ServerResponse, paced: PacedWriter) {
    this.#paced = paced;
    res.once("close", () => this.#compressor[Symbol.dispose]());
  }

  get waitingBytes(): number {
    return this.#waitingBytes + this.#paced.waitingBytes;
  }

  write(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    this.#compressing = this.#compressor.compress(bytes).then((coded) => {
      this.#waitingBytes -= bytes.length;
      countCompressed("gzip", bytes.length, coded.length);
      this.#paced.write(coded);
    }, () => {}); // the client has gone, as the response tells
  }

  end(): void {
    this.#compressor.end().then((coded) => {
      countCompressed("gzip", 0, coded.length);
      this.#paced.write(coded);
      this.#paced.end();
    }, () => {}); // see write()
  }

  async room(): Promise<void> {
    await this.#compressing;
    await this.#paced.room();
  }
}

/** The request headers that decide about an answer. */
function varying(res: ServerResponse): string {
  const others = res.getHeader("vary");
  return others === undefined ? "Accept-Encoding" : `${others}, Accept-Encoding`;
}
