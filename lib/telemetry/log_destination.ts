/**
 * Where log lines go: standard error, without ever holding up or failing the traffic.
 *
 * Writing is asynchronous with one write in flight, because a synchronous write to a pipe that nobody
 * reads (many agent hosts do not read stderr) would stop the whole process. What does not fit is dropped
 * and counted.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";

/** What the destination writes to: `Deno.stderr`, or a fake. */
export interface LogSink {
  write(bytes: Uint8Array): Promise<number>;
  /** Begins anew where the lines go, after log rotation. */
  reopen?(): Promise<void>;
  /** Disposed with the logger that writes to it. */
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** Counts lines that were not written; a counter series of the registry fits. */
export interface DropCounter {
  inc(lines: number): void;
}

/** How a {@link LogDestination} behaves; everything has a default. */
export interface LogDestinationOptions {
  readonly sink?: LogSink;
  /** Text that may wait while a write is in flight, UTF-16 units. */
  readonly pendingCharsMax?: number;
  /** After a failed write nothing is tried for so long, ms. */
  readonly retryAfterMs?: number;
  readonly dropped?: DropCounter;
  /** Told why lines cannot be written, once until they can again. */
  readonly onLost?: (reason: string) => void;
  /** Called when lines can be written again, with the number lost since the last call. */
  readonly onGap?: (lines: number) => void;
  /** Monotonic clock, ms. */
  readonly nowMs?: () => number;
}

const LINE_FEED = 10;
const encoder = new TextEncoder();

/** A bounded queue of lines in front of a sink that may be slow, full or closed. */
export class LogDestination {
  readonly #sink: LogSink;
  readonly #pendingCharsMax: number;
  readonly #retryAfterMs: number;
  readonly #dropped: DropCounter | undefined;
  readonly #onLost: ((reason: string) => void) | undefined;
  readonly #onGap: ((lines: number) => void) | undefined;
  readonly #nowMs: () => number;
  #pending: string[] = [];
  #pendingChars = 0;
  #pump: Promise<void> | undefined;
  #retryAtMs = 0;
  #unreported = 0;
  /** Nothing could be written at last. */
  #isLost = false;
  /** The last write broke off inside a line. */
  #torn = false;

  constructor(options: LogDestinationOptions = {}) {
    this.#sink = options.sink ?? Deno.stderr;
    this.#pendingCharsMax = options.pendingCharsMax ?? 256 * 1024;
    this.#retryAfterMs = options.retryAfterMs ?? 1000;
    this.#dropped = options.dropped;
    this.#onLost = options.onLost;
    this.#onGap = options.onGap;
    this.#nowMs = options.nowMs ?? monotonicMs;
  }

  /** Queues one line, which ends with a line feed. Drops and counts it when it cannot be taken. Never throws. */
  write(line: string): void {
    const full = this.#pendingChars + line.length > this.#pendingCharsMax;
    if (full || this.#nowMs() < this.#retryAtMs) {
      this.#drop(1);
      return;
    }
    this.#pending.push(line);
    this.#pendingChars += line.length;
    this.#pump ??= this.#run();
  }

  /**
   * Resolves when everything queued so far is written or dropped, at the latest after `deadlineMs`: a
   * pipe that nobody reads must not hold up the end of the process.
   */
  async flush(deadlineMs = 500): Promise<void> {
    if (this.#pump === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, deadlineMs);
    await Promise.race([this.#pump, late.promise]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingChars = 0;
      const written = await this.#writeAll(lines);
      const roomForGap = this.#pendingChars * 2 <= this.#pendingCharsMax;
      if (written && this.#unreported > 0 && roomForGap) {
        const lost = this.#unreported;
        this.#unreported = 0;
        this.#onGap?.(lost);
      }
    }
    this.#pump = undefined;
  }

  /** Whether all of it was written. */
  async #writeAll(lines: readonly string[]): Promise<boolean> {
    const bytes = encoder.encode((this.#torn ? "\n" : "") + lines.join(""));
    let written = 0;
    try {
      while (written < bytes.length) {
        const count = await this.#sink.write(bytes.subarray(written));
        if (count <= 0) throw new Error("Cannot write the log: nothing was taken");
        written += count;
      }
      this.#torn = false;
      this.#isLost = false;
      return true;
    } catch (error) {
      // ENOSPC, EPIPE, a closed descriptor: the log cannot report its own failure, so it is counted.
      const prefix = this.#torn ? 1 : 0;
      const finished = countLineFeeds(bytes.subarray(0, written)) - Math.min(prefix, written);
      if (written > 0) this.#torn = bytes[written - 1] !== LINE_FEED;
      this.#retryAtMs = this.#nowMs() + this.#retryAfterMs;
      this.#drop(lines.length - finished + this.#pending.length);
      this.#pending = [];
      this.#pendingChars = 0;
      if (!this.#isLost) this.#onLost?.(reasonOf(error));
      this.#isLost = true;
      return false;
    }
  }

  #drop(lines: number): void {
    this.#unreported += lines;
    this.#dropped?.inc(lines);
  }
}

function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === LINE_FEED) count++;
  return count;
}
