/**
 * What clients cost that ask and never read: `deno run -A bench/never_reading/main.ts tcp 200` (or `ws`, `http`,
 * `http-pipelined`, `sse`, `sse-pipelined`). Each offers calls
 * whose answers are 1 MB/s, until it is cut; four others that read call all the time. Prints the gateway's memory at
 * the beginning, at its highest and some time after the last was cut, and what the others lost.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Reader } from "./reader.ts";
import { type Deaf, KINDS } from "./deaf.ts";

const TICK_MS = 50;
const LOOK_TICKS = 10;
const READERS = 4;
/** As `/proc/net/tcp` writes it. */
const ESTABLISHED = "01";

const { values, positionals: [kind = "tcp", clients = "200"] } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: "string", default: "1000000" },
    text: { type: "string", default: "" },
    seconds: { type: "string", default: "90" },
    after: { type: "string", default: "20" },
    main: { type: "string", default: fileURLToPath(new URL("../../main.ts", import.meta.url)) },
    flags: { type: "string", default: "" },
  },
});

const textBytes = Number(values.text) || KINDS[kind].textBytes;

/** A client, and what became of it. */
interface Client {
  readonly deaf: Deaf;
  offeredBytes: number;
  cutMs: number | undefined;
}

/** The clients. */
class Crowd {
  takenBytes = 0;
  readonly #startMs = performance.now();
  readonly #clients: Client[];
  #id = 0;

  constructor(deaf: readonly Deaf[]) {
    this.#clients = deaf.map((deaf) => ({ deaf, offeredBytes: 0, cutMs: undefined }));
  }

  get offeredBytes(): number {
    return this.#clients.reduce((sum, { offeredBytes }) => sum + offeredBytes, 0);
  }

  get cuts(): number[] {
    return this.#clients.flatMap(({ cutMs }) => cutMs ?? []).toSorted((a, b) => a - b);
  }

  get size(): number {
    return this.#clients.length;
  }

  /** Offers so much for each, as far as the gateway takes it. */
  offer(dueBytes: number): void {
    for (const client of this.#clients) {
      while (client.cutMs === undefined && client.offeredBytes < dueBytes) {
        client.offeredBytes += textBytes;
        if (client.deaf.ask(++this.#id)) this.takenBytes += textBytes;
      }
    }
  }

  /** Notes who is cut by now. */
  look(port: number): void {
    const open = establishedAt(port);
    const nowMs = performance.now() - this.#startMs;
    for (const client of this.#clients) {
      if (!client.deaf.localPorts.every((local) => open.has(local))) client.cutMs ??= nowMs;
    }
  }

  leave(): void {
    for (const { deaf } of this.#clients) deaf.leave();
  }
}

async function main(): Promise<void> {
  const gateway = startGateway();
  const [port, readersPort] = await portsOf(gateway.stdout);
  await pause(2000); // what is loaded late
  const startMiB = rssMiB(gateway.pid);
  const readers = Array.from({ length: READERS }, () => new Reader(readersPort));
  const deaf: Deaf[] = [];
  for (let i = 0; i < Number(clients); i++) {
    deaf.push(await KINDS[kind].connect(port, textBytes));
  }
  const crowd = new Crowd(deaf);
  const samples = await press(crowd, port, gateway.pid);
  const offeredS = samples.length * TICK_MS / 1000;
  const offeredMB = crowd.offeredBytes / offeredS / 1e6;
  for (let i = 0; i < Number(values.after) * 1000; i += TICK_MS) {
    await pause(TICK_MS);
    samples.push(rssMiB(gateway.pid));
  }
  await Promise.all(readers.map((reader) => reader.end()));
  const lost = readers.reduce((sum, { asked, answered }) => sum + asked - answered, 0);
  const slowestMs = Math.max(...readers.map((reader) => reader.slowestMs));
  const [first = NaN, ...others] = crowd.cuts.map((ms) => ms / 1000);
  console.log(samples.filter((_, i) => i % 20 === 19).join(" "));
  console.log(
    `${kind}: start ${startMiB} MiB, highest +${Math.max(...samples) - startMiB}, ` +
      `${values.after} s after +${samples.at(-1)! - startMiB}; offered ${
        offeredMB.toFixed(0)
      } MB/s, ` +
      `taken ${(crowd.takenBytes / 1e6).toFixed(0)} MB; cut ${crowd.cuts.length}/${crowd.size} ` +
      `from ${first.toFixed(1)} to ${(others.at(-1) ?? first).toFixed(1)} s; ` +
      `others: ${lost} lost, slowest ${slowestMs.toFixed(0)} ms`,
  );
  crowd.leave();
  gateway.kill("SIGTERM");
  await gateway.status;
}

/** Offers until all are cut; what the gateway held at each tick, MiB. */
async function press(crowd: Crowd, port: number, pid: number): Promise<number[]> {
  const startMs = performance.now();
  const samples: number[] = [];
  const ticksMax = 1000 * Number(values.seconds) / TICK_MS;
  while (crowd.cuts.length < crowd.size && samples.length < ticksMax) {
    const atMs = startMs + (samples.length + 1) * TICK_MS;
    await pause(Math.max(0, atMs - performance.now()));
    crowd.offer(Number(values.rate) * (samples.length + 1) * TICK_MS / 1000);
    samples.push(rssMiB(pid));
    if (samples.length % LOOK_TICKS === 0) crowd.look(port);
  }
  return samples;
}

function startGateway() {
  const listen = kind === "tcp" ? "tcp://127.0.0.1:0" : "http://127.0.0.1:0";
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", ...values.flags.split(" ").filter(Boolean), values.main],
      ...["serve", "--listen", listen, "--listen", "tcp://127.0.0.1:0"],
      ...["--upstream", "echo=builtin:echo"],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function portsOf(output: ReadableStream<Uint8Array>): Promise<[number, number]> {
  let printed = "";
  for await (const chunk of output.values({ preventCancel: true })) {
    printed += new TextDecoder().decode(chunk);
    const http = /http:\/\/127\.0\.0\.1:(\d+)\/mcp/.exec(printed);
    const tcp = [...printed.matchAll(/tcp:\/\/127\.0\.0\.1:(\d+)/g)].map((match) =>
      Number(match[1])
    );
    if (kind === "tcp" && tcp.length === 2) return [tcp[0], tcp[1]];
    if (http !== null && tcp.length === 1) return [Number(http[1]), tcp[0]];
  }
  throw new Error(`Cannot find the addresses: ${printed}`);
}

/** Ports of the connections to a port that its owner has not closed. */
function establishedAt(port: number): Set<number> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n").filter((row) =>
    row.slice(6, 20).endsWith(local) && row.slice(34, 36) === ESTABLISHED
  );
  return new Set(rows.map((row) => parseInt(row.slice(29, 33), 16)));
}

function rssMiB(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024);
}

await main();
Deno.exit(0);
