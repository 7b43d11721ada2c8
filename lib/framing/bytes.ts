/**
 * Where the bytes of a connection come from and go to.
 *
 * @module
 */
import { reasonOf, TransportError } from "../core/errors.ts";

/** Where bytes come from. */
export interface ByteSource {
  /** The next bytes, which belong to the caller from then on; null at the end. One call at a time. */
  read(): Promise<Uint8Array | null>;
  /** Nobody will read any more. May be called while a read is pending. */
  cancel(reason?: unknown): void | Promise<void>;
}

/** Where bytes go. */
export interface ByteSink {
  /**
   * Resolves when the sink has taken all of the bytes and has room for more; it does not look at them any more
   * then. One call at a time.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends in order, after the last write. */
  close(): Promise<void>;
  /** Ends at once. May be called while a write is pending. */
  abort(reason?: unknown): void | Promise<void>;
}

/** What a source or a sink has thrown, as the error of its connection. */
export function broken(deed: string, thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  return new TransportError(`Cannot ${deed} the connection: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}

/** The connection is over: whether its source or sink also complains about that changes nothing. */
export function settleQuietly(end: () => void | Promise<void>): void {
  new Promise<void>((resolve) => resolve(end())).catch(() => {});
}
