/**
 * What a proxy adds to a cached answer over stdio: the same questions to a bare server, and to `sluice proxy` in front
 * of one, in turns within one run.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROUNDS = 20;
const READS_PER_ROUND = 200;
const SIZES = [200, 2_000, 250_000];

/** A process that speaks lines, asked one question after the other. */
class Lines implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #buffer = new Uint8Array(1 << 20);
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #spare: ArrayBuffer;

  constructor(program: string, args: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reader = this.#child.stdout.getReader({ mode: "byob" });
    this.#writer = this.#child.stdin.getWriter();
    this.#spare = this.#buffer.buffer;
  }

  /** Asks, and reads to the end of the line. */
  async ask(line: Uint8Array): Promise<void> {
    await this.#writer.write(line);
    for (;;) {
      const { value, done } = await this.#reader.read(new Uint8Array(this.#spare));
      if (done) throw new Error("Cannot bench: the process has ended");
      this.#spare = value.buffer as ArrayBuffer;
      if (value.at(-1) === 0x0a) return;
    }
  }

  send(line: Uint8Array): Promise<void> {
    return this.#writer.write(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    this.#reader.releaseLock();
    await this.#child.stdout.cancel();
    await this.#child.status;
  }
}

const encoder = new TextEncoder();

function lineOf(id: number | undefined, method: string, params: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
}

async function greet(lines: Lines): Promise<void> {
  const clientInfo = { name: "bench", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  await lines.ask(lineOf(0, "initialize", params));
  await lines.send(lineOf(undefined, "notifications/initialized", {}));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** Prints the medians, and what the proxy adds. */
export async function measureProxy(): Promise<void> {
  console.log("\nstdio, one question at a time, p50 in microseconds");
  console.log("                          bare   through proxy   added");
  const server = fileURLToPath(new URL("fixtures/sized_server.js", import.meta.url));
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  for (const bytes of SIZES) {
    const command = [Deno.execPath(), "run", "-A", server, String(bytes)];
    await using bare = new Lines(command[0], command.slice(1));
    await using proxy = new Lines(Deno.execPath(), ["run", "-A", main, "proxy", "--", ...command]);
    await greet(bare);
    await greet(proxy);
    for (const method of ["resources/read", "tools/list"]) {
      const times: Record<string, number[]> = { bare: [], proxy: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, lines] of [["bare", bare], ["proxy", proxy]] as const) {
          for (let count = 0; count < READS_PER_ROUND; count++) {
            const params = method === "tools/list" ? {} : { uri: "file:///notes/one.md" };
            const line = lineOf(1000 + count, method, params);
            const startMs = performance.now();
            await lines.ask(line);
            if (round > 1) times[name].push((performance.now() - startMs) * 1000);
          }
        }
      }
      const [direct, through] = [median(times.bare), median(times.proxy)];
      const figures = [direct, through, through - direct].map((us) => us.toFixed(0).padStart(9));
      console.log(`  ${method.padEnd(15)} ${String(bytes).padStart(6)} ${figures.join("")}`);
    }
  }
}
