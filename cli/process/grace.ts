/**
 * The end of a wait that must end.
 *
 * @module
 */

/** Waits for something until a signal aborts, and from then on for no longer than given. */
export async function withGrace(
  work: Promise<unknown>,
  signal: AbortSignal,
  graceMs: number,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const start = () => timer = setTimeout(resolve, graceMs);
  if (signal.aborted) start();
  else signal.addEventListener("abort", start, { once: true });
  try {
    await Promise.race([work, timeout]);
  } finally {
    signal.removeEventListener("abort", start);
    clearTimeout(timer);
  }
}
