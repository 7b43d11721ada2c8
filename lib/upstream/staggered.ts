/**
 * Several ways to the same end, one after the other, as Happy Eyeballs does it (RFC 8305): the next begins
 * when the one before has failed, or takes too long to wait for.
 *
 * @module
 */

/** One way. */
export interface Way<T> {
  readonly go: (signal: AbortSignal) => Promise<T>;
  /** How long it goes alone, ms. */
  readonly patienceMs: number;
}

/**
 * The first success; what comes after it is discarded.
 *
 * @throws the error of the way that failed last, or the signal's reason
 */
export async function firstSuccess<T>(
  ways: readonly Way<T>[],
  signal: AbortSignal,
  discard: (late: T) => void,
): Promise<T> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isDecided = false, underWay = 0, next = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    clearTimeout(timer);
    if (isDecided || next >= ways.length) return;
    const { go, patienceMs } = ways[next++];
    underWay++;
    if (next < ways.length) timer = setTimeout(begin, patienceMs);
    go(both).then((value) => {
      underWay--;
      if (isDecided) return discard(value);
      isDecided = true;
      resolve(value);
    }, (error) => {
      if (--underWay === 0 && (next >= ways.length || signal.aborted)) reject(error);
      else begin();
    });
  };
  begin();
  try {
    return await promise;
  } finally {
    isDecided = true;
    clearTimeout(timer);
    stop.abort();
  }
}
