/**
 * SIGINT and SIGTERM: the first asks for an orderly end, the second for an immediate one.
 *
 * @module
 */

/** What the operating system asks for. */
export interface StopSignals extends Disposable {
  /** Aborts at the first signal. */
  readonly drain: AbortSignal;
  /** Aborts at the second signal. */
  readonly exit: AbortSignal;
}

/** Listens for signals until it is disposed. */
export function stopSignals(): StopSignals {
  const drain = new AbortController();
  const exit = new AbortController();
  const onSignal = () => (drain.signal.aborted ? exit : drain).abort();
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of names) Deno.addSignalListener(name, onSignal);
  return {
    drain: drain.signal,
    exit: exit.signal,
    [Symbol.dispose]() {
      for (const name of names) Deno.removeSignalListener(name, onSignal);
    },
  };
}
