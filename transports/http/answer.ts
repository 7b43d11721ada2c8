/**
 * Answers of an HTTP server: their bodies, bounded and paced, and what their statuses mean.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { allocate } from "../../lib/core/byte_pool.ts";
import { GatewayError, reasonOf } from "../../lib/core/errors.ts";
import { isConnectFailure } from "./agent.ts";
import { Flight } from "./flight.ts";

/** Whether anything of a failed request can have had an effect. */
export type Outcome = "not_sent" | "unknown";

/** A failure of the way to the server, or of the server itself. */
export function unavailable(why: string, outcome: Outcome, cause?: unknown): GatewayError {
  return new GatewayError("UpstreamUnavailable", `Cannot call upstream: ${why}`, {
    data: { outcome },
    cause,
  });
}

/** An answer that is not what the protocol allows. */
export function offProtocol(why: string): GatewayError {
  return new GatewayError("UpstreamProtocolError", `Cannot use upstream's answer: ${why}`);
}

/** Anything that ended a request, as the error to tell the caller. */
export function failureOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return unavailable(reasonOf(error), isConnectFailure(error) ? "not_sent" : "unknown", error);
}

/** Lower-case media type of an answer without its parameters; `""` when it has none. */
export function mediaType(answer: IncomingMessage): string {
  return (answer.headers["content-type"] ?? "").split(";", 1)[0].trim().toLowerCase();
}

/**
 * Hands the chunks of a body to a function; a promise that it returns pauses the stream.
 *
 * @param idleMs how long the server may be silent, ms
 * @throws whatever broke the stream, or the function
 */
export function readChunks(
  answer: IncomingMessage,
  flight: Flight,
  idleMs: number,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const fail = (error: unknown) => {
      isSettled = true;
      reject(flight.reason ?? error);
      answer.destroy();
    };
    flight.allow(idleMs);
    answer.on("data", (chunk: Uint8Array) => {
      flight.allow(idleMs);
      try {
        const busy = take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if (busy === undefined) return;
        answer.pause();
        flight.allow(Infinity); // it is we who keep it waiting
        busy.then(() => answer.resume(), fail);
      } catch (error) {
        fail(error);
      }
    });
    answer.on("end", () => {
      isSettled = true;
      resolve();
    });
    answer.on("error", fail);
    answer.on("close", () => { // follows "end", too: making an error then would cost more than all the rest
      if (!isSettled) fail(new Error("the connection closed before the end of the answer"));
    });
  });
}

/**
 * A whole body.
 *
 * @throws {GatewayError} UpstreamProtocolError when it passes the limit
 */
export async function readWhole(
  answer: IncomingMessage,
  flight: Flight,
  idleMs: number,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  if (Number(answer.headers["content-length"] ?? 0) > bytesMax) {
    answer.destroy();
    throw offProtocol(`larger than ${bytesMax} bytes`);
  }
  await readChunks(answer, flight, idleMs, (chunk) => {
    byteLength += chunk.length;
    if (byteLength > bytesMax) throw offProtocol(`larger than ${bytesMax} bytes`);
    chunks.push(chunk);
    return undefined;
  });
  const whole = allocate(byteLength); // always a copy: a view would keep a read buffer of 64 KiB alive
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Most of a body that is read only to keep the connection. */
const DISCARD_BYTES_MAX = 64 * 1024;
const DISCARD_MS = 5000;

/** Gets an unwanted body out of the way; gives the connection up when that would take long. */
export function discard(answer: IncomingMessage): void {
  if (answer.complete) return void answer.resume();
  if (mediaType(answer) === "text/event-stream") return void answer.destroy();
  const timer = setTimeout(() => answer.destroy(), DISCARD_MS);
  let byteLength = 0;
  answer.on("data", (chunk: Uint8Array) => {
    if ((byteLength += chunk.length) > DISCARD_BYTES_MAX) answer.destroy();
  });
  answer.on("error", () => {}); // nobody waits for this body; "close" follows
  answer.on("close", () => clearTimeout(timer));
}
