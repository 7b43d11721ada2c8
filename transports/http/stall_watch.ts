/**
 * Finds clients that have stopped reading: bytes wait for them and none was taken for too long.
 *
 * Looks at every socket from time to time instead of keeping a timer for each write.
 *
 * @module
 */
import type { Socket } from "node:net";

interface Waiting {
  takenBytes: number;
  sinceMs: number;
}

/** One per listener; `sweep` is called from its coarse timer. */
export class StallWatch {
  readonly #stallMs: number;
  readonly #waiting = new WeakMap<Socket, Waiting>();

  /** @param stallMs a client may take nothing for so long while bytes wait, ms */
  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  /** Destroys the stalled among these sockets. Returns how many. */
  sweep(sockets: Iterable<Socket>, nowMs: number): number {
    let destroyed = 0;
    for (const socket of sockets) {
      if (socket.writableLength === 0) this.#waiting.delete(socket);
      else if (this.#isStalled(socket, nowMs)) {
        this.#waiting.delete(socket);
        socket.destroy();
        destroyed++;
      }
    }
    return destroyed;
  }

  #isStalled(socket: Socket, nowMs: number): boolean {
    const takenBytes = socket.bytesWritten - socket.writableLength; // bytesWritten counts what waits, too
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined || waiting.takenBytes !== takenBytes) {
      this.#waiting.set(socket, { takenBytes, sinceMs: nowMs });
      return false;
    }
    return nowMs - waiting.sinceMs >= this.#stallMs;
  }
}
