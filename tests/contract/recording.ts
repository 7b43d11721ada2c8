/**
 * What a stdio server is sent, seen from outside.
 *
 * @module
 */
import type { Command } from "../../lib/core/connection.ts";

/** A message to the server. */
export interface Sent {
  readonly id?: unknown;
  readonly method?: string;
  // deno-lint-ignore no-explicit-any -- tests look into it freely
  readonly params?: any;
}

/** A server whose input is copied into a file. Dispose it to remove the file. */
export interface Recording extends AsyncDisposable {
  /** Starts the server. */
  readonly command: Command;
  /** The first message so far that fits. */
  find(fits: (sent: Sent) => boolean): Sent | undefined;
}

/** Puts `tee` before the input of a server. */
export async function recorded({ program, args }: Command): Promise<Recording> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/input`;
  return {
    command: { program: "sh", args: ["-c", 'tee "$0" | "$@"', file, program, ...args] },
    find(fits) {
      const lines = Deno.readTextFileSync(file).split("\n").slice(0, -1);
      return lines.map((line): Sent => JSON.parse(line)).find(fits);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
