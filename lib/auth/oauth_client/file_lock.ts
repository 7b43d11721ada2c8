/**
 * One process at a time: an exclusive `flock` on a file. The system lets go when its owner ends, however
 * it ends, so there is no dead owner to be recognised. The file stays: to remove it would let two owners hold locks
 * on two files of the same name.
 *
 * @module
 */

/** A lock that is held until it is disposed. */
export type FileLock = Disposable;

/**
 * Takes a lock; the system wakes whoever waits.
 *
 * @throws the signal's reason, when it aborts before the lock is there
 * @throws {Deno.errors.PermissionDenied} and others, when the file cannot be made
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<FileLock> {
  signal.throwIfAborted();
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  const held = file.lock(true);
  const { promise: given, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await Promise.race([held, given]);
    return { [Symbol.dispose]: () => file.close() };
  } catch (error) {
    // The wait itself cannot be broken off: what comes of it is given back at once.
    held.then(() => file.close(), () => file.close());
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
