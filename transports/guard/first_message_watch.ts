/**
 * Finds clients that connect and say nothing, or take for ever to say their first message. After that a
 * connection may be idle as long as it likes.
 *
 * @module
 */
import type { Socket } from "node:net";
import { monotonicMs } from "../../lib/core/clock.ts";

/** How long a client may take for its first message. */
export interface FirstMessageTimes {
  /** Without a byte, ms. */
  readonly silenceMs: number;
  /** In all, ms. */
  readonly totalMs: number;
}

interface Waiting {
  readonly sinceMs: number;
  bytesRead: number;
  heardMs: number;
}

/** Looks at all of them from time to time instead of keeping a timer for each. */
export class FirstMessageWatch {
  readonly #times: FirstMessageTimes;
  readonly #waiting = new Map<Socket, Waiting>();

  constructor(times: FirstMessageTimes) {
    this.#times = times;
  }

  /** Starts to wait for the first message of a connection. */
  add(socket: Socket): void {
    const nowMs = monotonicMs();
    this.#waiting.set(socket, { sinceMs: nowMs, heardMs: nowMs, bytesRead: 0 });
  }

  /** It has come, or the connection has gone. */
  forget(socket: Socket): void {
    this.#waiting.delete(socket);
  }

  /**
   * Destroys those that took too long. Returns how many.
   *
   * @param onLate told of each before that
   */
  sweep(nowMs: number, onLate?: (socket: Socket) => void): number {
    let destroyed = 0;
    for (const [socket, waiting] of this.#waiting) {
      if (socket.bytesRead !== waiting.bytesRead) {
        waiting.bytesRead = socket.bytesRead;
        waiting.heardMs = nowMs;
      }
      const { silenceMs, totalMs } = this.#times;
      if (nowMs - waiting.heardMs < silenceMs && nowMs - waiting.sinceMs < totalMs) continue;
      this.#waiting.delete(socket);
      onLate?.(socket);
      socket.destroy();
      destroyed++;
    }
    return destroyed;
  }
}
