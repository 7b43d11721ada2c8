/**
 * One limit over all outgoing buffers of the process: thousands of peers that each stay within their
 * own buffer could still fill the memory together.
 *
 * @module
 */

/** All buffers of one process together, bytes; beyond it new work is refused. */
export const BUFFERS_BYTES_MAX = 256 * 1024 * 1024;

/** A counter shared by any number of outboxes. Whoever adds gives back what was added. */
export class BufferBudget {
  /** More than this in use is {@link BufferBudget.over}, bytes. May be set while in use. */
  bytesMax: number;
  #usedBytes = 0;

  /** @param bytesMax the limit, bytes */
  constructor(bytesMax: number = BUFFERS_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /** Bytes in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether new work is to be refused. What has begun is never refused: answers leave, and make room. */
  get over(): boolean {
    return this.#usedBytes > this.bytesMax;
  }

  /** Counts bytes that are buffered from now on; negative when they are no longer. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
  }
}

/** The budget of this process: what every outbox counts in that was given no other. */
export const PROCESS_BUFFERS = new BufferBudget();
