/**
 * The ways on which the demo's client reaches a server through Sluice. Each is made of real processes.
 *
 * @module
 */
import type { Client } from "@modelcontextprotocol/sdk/client";
// The package's own pattern names types for `x`, but a module for `x.js`.
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = join(fileURLToPath(new URL("../..", import.meta.url)), "main.ts");
/** Servers say on stderr that they start, which is logged. */
const QUIET = ["--log-level", "warn"];
const START_MS = 20_000;
const END_MS = 10_000;

/** `sluice serve` while it runs. Dispose it to end it. */
export interface Serve extends AsyncDisposable {
  readonly url: URL;
}

/** A connected client. Dispose it to end its session and the process that it spawned. */
export type Session = AsyncDisposable;

/**
 * Starts `sluice serve` on a free port.
 *
 * @param upstream what stands after its options
 * @throws {Error} when it does not say where it listens
 */
export async function startServe(upstream: readonly string[]): Promise<Serve> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...sluice("serve", ...QUIET, "--listen", "http://127.0.0.1:0"), ...upstream],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const dispose = async () => {
    signal(child, "SIGTERM");
    await endOf(child);
  };
  try {
    const { url, rest } = await printedUrl(child.stdout);
    return {
      url,
      async [Symbol.asyncDispose]() {
        await rest.cancel();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Connects over Streamable HTTP. */
export async function connectHttp(client: Client, url: URL): Promise<Session> {
  const transport = new StreamableHTTPClientTransport(url);
  await client.connect(transport as Transport);
  return {
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/** Connects over stdio to a `sluice proxy` of its own. */
export async function connectProxy(client: Client, upstream: readonly string[]): Promise<Session> {
  const transport = new StdioClientTransport({
    command: Deno.execPath(),
    args: [...sluice("proxy", ...QUIET), ...upstream],
    env: Deno.env.toObject(),
    stderr: "inherit",
  });
  await client.connect(transport);
  return { [Symbol.asyncDispose]: () => client.close() };
}

function sluice(...args: string[]): string[] {
  return ["run", "-A", "--quiet", MAIN, ...args];
}

async function printedUrl(stdout: ReadableStream<Uint8Array>) {
  const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => void reader.cancel(), START_MS);
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`Cannot find the URL of sluice serve: it said "${text}"`);
      text += value;
      const found = /MCP +(http:\S+)\n/.exec(text);
      if (found !== null) return { url: new URL(found[1]), rest: reader };
    }
  } finally {
    clearTimeout(timer);
  }
}

async function endOf(child: Deno.ChildProcess): Promise<void> {
  const timer = setTimeout(() => signal(child, "SIGKILL"), END_MS);
  await child.status;
  clearTimeout(timer);
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown; // thrown when it has already ended
  }
}
