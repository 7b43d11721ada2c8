/**
 * Starts the raw echo in a process of its own.
 *
 * @module
 */

/** A raw echo while it runs. */
export interface RawEcho extends AsyncDisposable {
  /** What the bench dials. */
  readonly url: string;
}

/** @param transport `http`, `sse` or `tcp` */
export async function startRawEcho(transport: string): Promise<RawEcho> {
  const script = new URL("raw_echo.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--quiet", script, transport];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  return {
    url: value.trim(),
    async [Symbol.asyncDispose]() {
      child.kill();
      await reader.cancel();
      await child.status;
    },
  };
}
