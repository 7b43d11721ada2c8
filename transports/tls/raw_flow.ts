/**
 * Backpressure for TLS. A paused TLS socket of Deno 2.9.6 goes on reading what lies below it and keeps
 * all of it: 64 MB of a client that was not read from, when tried. `pause()` on the socket below changes
 * nothing, as its stream is not the one being read; only its handle can be told.
 *
 * @module
 */
import type { Socket } from "node:net";

/** Lets bytes in, or not. */
export interface Flow {
  /** Nothing more is taken from the system. */
  stop(): void;
  /** Takes from the system again. */
  start(): void;
}

/** What `node:net` keeps of a socket, in Node as in Deno; not part of its types. */
interface Handle {
  readStop?(): void;
  readStart?(): void;
}

/** The flow into a TLS socket from the socket below it. */
export function flowBelow(raw: Socket): Flow {
  const handle = (raw as unknown as { _handle?: Handle | null })._handle;
  return {
    stop: () => handle?.readStop?.(),
    start: () => handle?.readStart?.(),
  };
}
