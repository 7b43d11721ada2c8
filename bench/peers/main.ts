/**
 * Sluice beside other gateways, in one run: `deno task bench:peers [SECONDS]`. The same server behind each, over
 * Streamable HTTP and HTTP+SSE, with 1, 8 and 32 calls in flight. As the measure of all the server alone: over stdio,
 * and the way that the gateways are called, for the trivial echo by a bare `node:http`. Needs the npm packages of the integration tests (`SLUICE_TEST_NPM`).
 *
 * @module
 */
import Table from "cli-table3";
import type { BenchResult } from "../../lib/bench/result.ts";
import type { Command } from "../../lib/core/connection.ts";
import { echoServer, everythingServerOnNode } from "../../tests/fixtures/servers.ts";
import { startRawEcho } from "../ratios/start_raw_echo.ts";
import { startEverything } from "./everything.ts";
import { sluice } from "../../tests/fixtures/sluice.ts";
import { GATEWAYS, type Running, type Way } from "./gateways.ts";

const INFLIGHT = [1, 8, 32];
const WAYS: readonly Way[] = ["http", "sse"];
const seconds = Number(Deno.args[0] ?? 5);

/** Figures of one gateway with one number of calls in flight. */
interface Row {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the gateway's own process, us. */
  readonly cpuUs?: number;
  readonly rssMiB?: number;
}

/** Runs `sluice bench` in a process of its own, as everybody would. */
async function bench(inflight: number, target: readonly string[]): Promise<Row> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const flags = ["--connections", "1", "--inflight", `${inflight}`, "--duration", `${seconds}`];
    const { program, args } = sluice("bench", ...flags, "--json", path, ...target);
    const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "piped" });
    const { success, stderr } = await command.output();
    if (!success) throw new Error(`Cannot bench: ${new TextDecoder().decode(stderr)}`);
    return rowOf(JSON.parse(await Deno.readTextFile(path)));
  } finally {
    await Deno.remove(path);
  }
}

function rowOf({ runs: [run] }: BenchResult): Row {
  const { ratePerSecond, latencyMs: { p50, p99 }, server } = run;
  const ofServer = "absent" in server
    ? {}
    : { cpuUs: server.cpuPerCallUs, rssMiB: server.rssMaxKiB / 1024 };
  return { rate: ratePerSecond, p50, p99, ...ofServer };
}

/** One server or gateway with each number of calls in flight. */
async function rowsOf(starting: Promise<Running>): Promise<Row[]> {
  await using running = await starting;
  return await rowsAt(running.url);
}

async function rowsAt(...target: string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const inflight of INFLIGHT) rows.push(await bench(inflight, target));
  return rows;
}

function print(title: string, rows: ReadonlyMap<string, readonly Row[]>): void {
  console.log(`\n${title}`);
  const head = ["", "in flight", "calls/s", "p50 ms", "p99 ms", "CPU us/call", "RSS MiB"];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const [name, figures] of rows) {
    figures.forEach(({ rate, p50, p99, cpuUs, rssMiB }, index) => {
      const own = [cpuUs?.toFixed(0) ?? "", rssMiB?.toFixed(0) ?? ""];
      const times = [p50.toFixed(2), p99.toFixed(2)];
      table.push([name, INFLIGHT[index], rate.toFixed(0), ...times, ...own]);
    });
  }
  console.log(table.toString());
}

/** What the best of the others does, against Sluice, with the most calls in flight. */
function printVerdict(rows: ReadonlyMap<string, readonly Row[]>): void {
  const [, direct, own, ...others] = [...rows.values()].map((all) => all[all.length - 1]);
  const share = `rate / direct over the same way ${(own.rate / direct.rate).toFixed(2)}`;
  if (others.length === 0) return console.log(share);
  const bestRate = Math.max(...others.map(({ rate }) => rate));
  const leastCpuUs = Math.min(...others.map(({ cpuUs = Infinity }) => cpuUs));
  console.log(
    `${share}; rate / best of the others ${(own.rate / bestRate).toFixed(2)}; ` +
      `CPU per call / least of the others ${((own.cpuUs ?? NaN) / leastCpuUs).toFixed(2)}`,
  );
}

interface Server {
  readonly name: string;
  /** Over stdio: what the gateways start. */
  readonly command: Command | undefined;
  /** Alone, as clients of a gateway would reach it. */
  startAlone(way: Way): Promise<Running>;
}

const SERVERS: readonly Server[] = [
  { name: "trivial echo", command: echoServer("node"), startAlone: startRawEcho },
  { name: "server-everything", command: everythingServerOnNode(), startAlone: startEverything },
];
for (const { name, command, startAlone } of SERVERS) {
  if (command === undefined) {
    console.log(`SKIPPED: ${name}, which .ci/install puts into SLUICE_TEST_NPM`);
    continue;
  }
  const overStdio = await rowsAt("--", command.program, ...command.args);
  for (const way of WAYS) {
    const rows = new Map([["direct (stdio)", overStdio]]);
    rows.set(`direct (${way})`, await rowsOf(startAlone(way)));
    for (const gateway of GATEWAYS) {
      rows.set(gateway.name, await rowsOf(gateway.start(way, command)));
    }
    print(`${name} over ${way}`, rows);
    printVerdict(rows);
  }
}
