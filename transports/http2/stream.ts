/**
 * One request of an HTTP/2 connection, carried through our own HTTP/1.1 server, and its answer back.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Answer } from "./answer.ts";
import { type RequestHead, requestHead } from "./request_head.ts";
import { StreamSocket } from "./stream_socket.ts";
import type { UploadSlack } from "./upload_slack.ts";

/** What a stream needs of its connection. */
export interface StreamHost {
  /** The secured connection. */
  readonly carrier: Socket;
  /** Room for bodies that wait. */
  readonly slack: UploadSlack;
  /** Lets the HTTP/1.1 server serve a connection; told of each. */
  serve(socket: StreamSocket): void;
}

/** Answers a request. A client that resets its stream closes the connection that our server sees. */
export async function answerStream(request: Request, host: StreamHost): Promise<Response> {
  const head = requestHead(request);
  if (head === undefined) return new Response(null, { status: 400 });
  const answer = new Answer(request.method !== "HEAD", () => socket.destroy());
  const socket = new StreamSocket(host.carrier, answer, host.slack.open());
  const { signal, body } = request;
  const onGone = () => socket.destroy();
  signal.addEventListener("abort", onGone);
  host.serve(socket);
  void socket.feed(Buffer.from(head.text, "latin1"));
  if (body !== null) void upload(body, head, socket);
  try {
    return await answer.response;
  } finally {
    // Deno 2.9.6 also aborts after success (and warns of it once in a process, on stderr).
    signal.removeEventListener("abort", onGone);
  }
}

/** Carries the body. Stops when our server has answered without it. */
async function upload(
  body: ReadableStream<Uint8Array>,
  { isChunked }: RequestHead,
  socket: StreamSocket,
): Promise<void> {
  const reader = body.getReader();
  socket.once("close", () => void reader.cancel().catch(() => {})); // the client may have gone before us
  try {
    while (!socket.destroyed) {
      const { done, value } = await reader.read();
      if (done) break;
      await socket.feed(isChunked ? chunkOf(value) : value);
    }
    if (isChunked) await socket.feed(LAST_CHUNK);
  } catch {
    socket.destroy(); // the client broke off
  }
}

const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function chunkOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes; // as a chunk it would be the last
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]);
}
