/**
 * Counts the bytes of sockets without touching the path that they take: sockets count them anyway.
 *
 * @module
 */

import { monotonicMs } from "../../lib/core/clock.ts";

/** What a socket counts. */
export interface CountedSocket {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** A socket, and what it carries. */
export type WireFlow = [transport: string, socket: CountedSocket];

/** Bytes in each direction. */
export interface WireTotals {
  in: number;
  out: number;
}

/** With more sockets than this, what was counted holds for a while: 8,800 take 8 ms, which a call would wait. */
const MANY = 1_000;
const FRESH_MS = 10_000;

/** Sums over all sockets that were ever watched. */
export class WireBytes {
  readonly #ended = new Map<string, WireTotals>();
  readonly #open = new Map<CountedSocket, string>();
  #last = new Map<string, WireTotals>();
  #lastMs = -Infinity;

  /** Counts a socket. @returns to be called when it has closed */
  watch(transport: string, socket: CountedSocket): () => void {
    this.#open.set(socket, transport);
    return () => {
      if (this.#open.delete(socket)) add(this.#ended, transport, socket);
    };
  }

  /** By transport; with very many sockets up to 10 s old. */
  totals(nowMs = monotonicMs()): Map<string, WireTotals> {
    if (this.#open.size <= MANY || nowMs - this.#lastMs >= FRESH_MS) {
      this.#last = this.#counted();
      this.#lastMs = nowMs;
    }
    return this.#last;
  }

  #counted(): Map<string, WireTotals> {
    const all = new Map([...this.#ended].map(([transport, sums]) => [transport, { ...sums }]));
    for (const [socket, transport] of this.#open) add(all, transport, socket);
    return all;
  }
}

function add(all: Map<string, WireTotals>, transport: string, socket: CountedSocket): void {
  let sums = all.get(transport);
  if (sums === undefined) all.set(transport, sums = { in: 0, out: 0 });
  sums.in += socket.bytesRead;
  sums.out += socket.bytesWritten;
}
