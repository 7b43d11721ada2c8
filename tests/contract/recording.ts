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
  /** Tells processes apart where several were started. */
  readonly server: string;
  // deno-lint-ignore no-explicit-any -- tests look into it freely
  readonly params?: any;
}

/** A server whose input is copied into a file, one for each process. Dispose it to remove the files. */
export interface Recording extends AsyncDisposable {
  /** Starts the server. */
  readonly command: Command;
  /** The first message so far that fits. */
  find(fits: (sent: Sent) => boolean): Sent | undefined;
}

/** Puts `tee` before the input of a server. */
export async function recorded({ program, args }: Command): Promise<Recording> {
  const folder = await Deno.makeTempDir();
  const copying = 'tee "$0/$$" | "$@"';
  return {
    command: { program: "sh", args: ["-c", copying, folder, program, ...args] },
    find(fits) {
      const servers = [...Deno.readDirSync(folder)].map(({ name }) => name);
      return servers.flatMap((server) => messagesOf(`${folder}/${server}`, server)).find(fits);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function messagesOf(file: string, server: string): Sent[] {
  const lines = Deno.readTextFileSync(file).split("\n").slice(0, -1);
  return lines.map((line) => ({ ...JSON.parse(line), server }));
}
