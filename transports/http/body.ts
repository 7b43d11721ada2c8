/**
 * Request bodies, bounded.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { allocate } from "../../lib/core/byte_pool.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { tooLarge } from "../streamable_http/accept.ts";

const GONE = "Cannot read request: the client has gone before its end";

/**
 * Reads a body to its end.
 *
 * @throws {GatewayError} PayloadTooLarge as soon as the limit is passed
 * @throws {GatewayError} InvalidRequest when the client goes before the end
 */
export function readBody(req: IncomingMessage, bodyBytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let byteLength = 0, isSettled = false;
    const fail = (error: GatewayError) => {
      isSettled = true;
      reject(error);
    };
    const onData = (chunk: Uint8Array) => {
      byteLength += chunk.length;
      if (byteLength > bodyBytesMax) {
        chunks.length = 0;
        req.off("data", onData).pause();
        fail(tooLarge(bodyBytesMax));
      } else chunks.push(chunk);
    };
    const onGone = () => { // follows "end", too: making an error then would cost more than the reading
      if (!isSettled) fail(new GatewayError("InvalidRequest", GONE, { fatal: true }));
    };
    req.on("data", onData).on("close", onGone).on("error", onGone);
    req.on("end", () => {
      isSettled = true;
      resolve(joined(chunks, byteLength));
    });
  });
}

/**
 * Always a copy: the chunk is a Buffer, which would make every access of the scanner polymorphic, over a
 * read buffer of 64 KiB, which the message would keep alive.
 */
function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  const whole = allocate(byteLength);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
