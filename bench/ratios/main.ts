/**
 * Whether Sluice has become slower: `deno task bench:ratios` measures it in turn with a raw echo of the runtime and
 * compares the ratios with `bench/baseline.json`; exit code 1 on a regression. Ratios only: times of another machine
 * mean nothing. `--write` makes the measured ones the baseline.
 *
 * @module
 */
import { comparisonText } from "../../cli/bench/table.ts";
import { compare } from "../../lib/bench/compare.ts";
import type { BenchResult } from "../../lib/bench/result.ts";
import { sluice, startServe } from "../../tests/fixtures/sluice.ts";
import { startRawEcho } from "./start_raw_echo.ts";

/**
 * So much worse may a ratio be before it counts, and never less than the noise of the repeats. What decides is the
 * processor time of a call: beside two busy loops on two cores the ratio of the rates falls by a quarter and
 * that of the latencies doubles, while this one moves by 18 % (measured). The rate catches a stall, which
 * costs no processor time.
 */
const THRESHOLDS: Readonly<Record<string, number>> = { cpu_ratio: 0.4, rate_ratio: 0.6 };
const BASELINE = new URL("../baseline.json", import.meta.url);
const LOADS: Readonly<Record<string, readonly string[]>> = {
  http: ["--connections", "64"],
  tcp: ["--connections", "100", "--inflight", "10"],
};
const REPEATS = ["--duration", "2", "--warm-up", "1", "--repeat", "5"];

/** By transport. Only what is compared: no runs. */
type Baseline = Record<string, BenchResult>;

async function measured(transport: string): Promise<BenchResult> {
  await using raw = await startRawEcho(transport);
  const flags = ["--listen", "tcp://127.0.0.1:0", "--upstream", "echo=builtin:echo"];
  await using serve = await startServe(undefined, { flags });
  const [url] = new RegExp(`${transport}://\\S+`).exec(serve.stdout())!;
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const target = [url, "--direct", raw.url, "--json", path];
    const { program, args } = sluice("bench", ...LOADS[transport], ...REPEATS, ...target);
    const bench = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "piped" });
    const { success, stderr } = await bench.output();
    if (!success) throw new Error(`Cannot bench: ${new TextDecoder().decode(stderr)}`);
    const result: BenchResult = JSON.parse(await Deno.readTextFile(path));
    return { ...result, runs: [], directRuns: [] };
  } finally {
    await Deno.remove(path);
  }
}

const results: Baseline = {};
for (const transport of Object.keys(LOADS)) results[transport] = await measured(transport);
if (Deno.args.includes("--write")) {
  await Deno.writeTextFile(BASELINE, `${JSON.stringify(results, null, 2)}\n`);
} else {
  const before: Baseline = JSON.parse(await Deno.readTextFile(BASELINE));
  let isWorse = false;
  for (const [transport, result] of Object.entries(results)) {
    const rows = Object.entries(THRESHOLDS).flatMap(([name, threshold]) =>
      compare(before[transport], result, threshold).filter((row) => row.name === name)
    );
    console.log(`${transport}\n${comparisonText("bench/baseline.json", rows)}`);
    isWorse ||= rows.some(({ verdict }) => verdict === "regression");
  }
  if (isWorse) Deno.exit(1);
}
