/**
 * Request bodies, bounded.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { allocate } from "../../lib/core/byte_pool.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { GrowingBytes } from "../../lib/framing/growing_bytes.ts";
import { tooLarge } from "../streamable_http/accept.ts";
import { type BodyBudget, type BodyShare, FREE_BODY_BYTES } from "./body_budget.ts";

const GONE = "Cannot read request: the client has gone before its end";

/**
 * Reads a body to its end.
 *
 * @param budget shared by all bodies that are being read
 * @throws {GatewayError} PayloadTooLarge as soon as the limit is passed
 * @throws {GatewayError} Overloaded when other large bodies leave it no room for too long
 * @throws {GatewayError} InvalidRequest when the client goes before the end
 */
export function readBody(
  req: IncomingMessage,
  bodyBytesMax: number,
  budget: BodyBudget,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // What is announced is where growing ends: doubling would hold up to twice of it.
    const announcedBytes = Number(req.headers["content-length"] ?? bodyBytesMax);
    const growBytesMax = Math.min(announcedBytes, bodyBytesMax);
    let first: Uint8Array | undefined; // most bodies come in one piece
    let rest: GrowingBytes | undefined;
    let byteLength = 0, isSettled = false;
    let share: BodyShare | undefined;
    const fail = (error: GatewayError) => {
      if (isSettled) return;
      isSettled = true;
      first = rest = undefined;
      req.off("data", onData).pause();
      share?.release();
      reject(error);
    };
    const openShare = () =>
      budget.open({ pause: () => req.pause(), resume: () => req.resume(), refuse: fail });
    const onData = (chunk: Uint8Array) => {
      byteLength += chunk.length;
      if (byteLength > bodyBytesMax) return fail(tooLarge(bodyBytesMax));
      if (first === undefined) first = chunk;
      else {
        if (rest === undefined) (rest = new GrowingBytes(growBytesMax)).append(first);
        rest.append(chunk);
      }
      if (byteLength > FREE_BODY_BYTES) (share ??= openShare()).grow(byteLength);
    };
    const onGone = () => { // follows "end", too: making an error then would cost more than the reading
      if (!isSettled) fail(new GatewayError("InvalidRequest", GONE, { fatal: true }));
    };
    req.on("data", onData).on("close", onGone).on("error", onGone);
    req.on("end", () => {
      if (isSettled) return;
      isSettled = true;
      share?.release();
      resolve(rest?.take() ?? copyOf(first));
    });
  });
}

/**
 * Always a copy: the chunk is a Buffer, which would make every access of the scanner polymorphic, over a
 * read buffer of 64 KiB, which the message would keep alive.
 */
function copyOf(chunk: Uint8Array = NOTHING): Uint8Array {
  const copy = allocate(chunk.length);
  copy.set(chunk);
  return copy;
}

const NOTHING = new Uint8Array(0);
