/**
 * Whether HTTP/2 can be had: a client that has chosen it in its handshake cannot be sent back to HTTP/1.1.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { PrivateServer } from "./private_server.ts";
import { HTTP2_PREFACE } from "./wire.ts";

let verdict: Promise<boolean> | undefined;

/** Whether this runtime, on this system, answers a request in HTTP/2. Tried once. */
export function canServeHttp2(): Promise<boolean> {
  // No unix socket (Windows, no folder to write to, no permission): no HTTP/2.
  return verdict ??= tryOnce().catch(() => false);
}

/** Preface, SETTINGS, and HEADERS of `GET https://a/` on stream 1. */
const REQUEST = Buffer.concat([
  HTTP2_PREFACE,
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x87, 0x41, 1, 0x61]),
]);
const TRIAL_MS = 2000;

async function tryOnce(): Promise<boolean> {
  const server = await PrivateServer.open(({ url }) => {
    return Promise.resolve(new Response(null, { status: url === "https://a/" ? 204 : 500 }));
  });
  const { inner } = server;
  const timer = setTimeout(() => inner.destroy(), TRIAL_MS);
  const closed = new Promise<void>((resolve) => inner.once("close", () => resolve()));
  let isAnswered = false;
  inner.on("data", (bytes) => {
    if (!bytes.includes(STATUS_204)) return;
    isAnswered = true;
    inner.destroy();
  });
  inner.write(REQUEST);
  await closed;
  clearTimeout(timer);
  await server.leave();
  return isAnswered;
}

/** HEADERS with END_HEADERS and END_STREAM on stream 1, beginning with `:status: 204`. */
const STATUS_204 = Buffer.from([1, 5, 0, 0, 0, 1, 0x89]);
