/**
 * A line that the runtime writes on stderr, where the log is.
 *
 * @module
 */

let isHushed = false;

/**
 * Deno 2.9.6 warns users of a change to `request.signal` that is coming and does not concern us; HTTP/2 has
 * no other way to learn early that a client has gone.
 */
export function hushSignalWarning(): void {
  if (isHushed) return;
  isHushed = true;
  const { warn } = console;
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).startsWith("Deno.serve: request.signal aborts")) warn(...words);
  };
}
