/**
 * Sluice from the command line.
 *
 * @module
 */
import { run } from "./cli/commands.ts";
import { errorLine, EXIT_FAILED } from "./cli/errors.ts";
import { listenForDefects } from "./cli/process/defects.ts";

const encoder = new TextEncoder();

/** Writes all of a text; a reader that has gone (`sluice --help | head -1`) is no failure. */
function write(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

function fail(error: unknown): void {
  write(Deno.stderr, `${errorLine(error)}\n`);
  Deno.exit(EXIT_FAILED);
}

listenForDefects(fail);

Deno.exit(
  await run(Deno.args, {
    stdout: (text) => write(Deno.stdout, text),
    stderr: (text) => write(Deno.stderr, text),
  }),
);
