/**
 * A timer that does not keep the process alive.
 *
 * @module
 */

/** Runs `action` once after `delayMs` unless disposed before. The process may end without it. */
export function backgroundTimer(action: () => void, delayMs: number): Disposable {
  const timer = setTimeout(action, delayMs);
  // Deno 2.9 returns an object like Node's, earlier ones a number; `unrefTimer` takes both.
  Deno.unrefTimer(timer as unknown as number);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
