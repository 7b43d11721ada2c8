/**
 * What nobody caught is a defect of ours. It ends a command with one line; a running gateway counts it, and it costs no
 * other client its gateway.
 *
 * One listener for both, since the listeners of `globalThis` run in the order they were added, those for the
 * capturing phase included (Deno 2.9.6).
 *
 * @module
 */

/** Takes what was thrown. */
type Take = (thrown: unknown) => void;

/** The last of them gets it. */
const takers: Take[] = [];

/** Listens, for as long as the process lives. @param last gets what nobody else takes */
export function listenForDefects(last: Take): void {
  const onDefect = (event: PromiseRejectionEvent | ErrorEvent) => {
    event.preventDefault();
    const take = takers.at(-1) ?? last;
    take("reason" in event ? event.reason : event.error);
  };
  globalThis.addEventListener("unhandledrejection", onDefect);
  globalThis.addEventListener("error", onDefect);
}

/** Takes defects from now on, until it is disposed. */
export function takeDefects(take: Take): Disposable {
  takers.push(take);
  return {
    [Symbol.dispose]() {
      takers.splice(takers.lastIndexOf(take), 1);
    },
  };
}
