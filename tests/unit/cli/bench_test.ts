import assert from "node:assert/strict";
import { assemble } from "../../../cli/assemble.ts";
import { bench } from "../../../cli/bench.ts";
import { benchSettings } from "../../../cli/bench/settings.ts";
import { resolveConfig } from "../../../lib/config/load.ts";
import { runSluice } from "../../fixtures/sluice.ts";

const URL_TEXT = "tcp://127.0.0.1:9";

function refused(flags: Parameters<typeof benchSettings>[2], url: string | undefined = URL_TEXT) {
  try {
    benchSettings(url, undefined, flags);
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("benchSettings() refuses what it does not know or what does not go together", () => {
  assert.match(refused({ scenario: "nope" })!, /no scenario nope/);
  assert.match(refused({ era: "new" })!, /no era new/);
  assert.match(refused({ duration: "0" })!, /--duration: it is 0/);
  assert.match(refused({ warmUp: "x" })!, /--warm-up: it is x/);
  assert.match(refused({ connections: "0" })!, /--connections/);
  assert.match(refused({ args: "[1]" })!, /--args: it is no JSON object/);
  assert.match(refused({ scenario: "variable" })!, /waves need a rate/);
  assert.match(refused({ scenario: "connect-storm", rate: "5" })!, /has no rate/);
  assert.match(refused({ scenario: "fan-out" })!, /notify every client/);
  assert.match(refused({ scenario: "slow-client", connections: "1" })!, /two connections/);
  assert.match(refused({}, "builtin:echo")!, /within a gateway only/);
  assert.match(refused({}, "gopher://x")!, /gopher/);
  assert.throws(() => benchSettings(undefined, undefined, {}), /no server is named/);
  assert.throws(() => benchSettings(URL_TEXT, ["cat"], {}), /two servers/);
});

Deno.test("benchSettings() knows what is meant when nothing is said", () => {
  const { plan, repeat, workers, threshold } = benchSettings(URL_TEXT, undefined, {});
  assert.deepEqual([plan.durationMs, plan.warmUpMs, plan.connections, plan.inflight], [
    ...[10_000, 2000, 10, 1],
  ]);
  assert.deepEqual([repeat, workers, threshold], [1, 1, 0.1]);
  assert.equal(benchSettings(URL_TEXT, undefined, { direct: URL_TEXT }).repeat, 3);
});

async function echoGateway(listen: string) {
  const flags = { upstream: ["echo=builtin:echo"], listen: [listen], logLevel: "error" };
  return await assemble(await resolveConfig(undefined, flags, {}));
}

async function runBench(url: string, flags: Parameters<typeof bench>[2]) {
  let stdout = "", stderr = "";
  const output = {
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
  };
  const short = { duration: "0.1", warmUp: "0.02", connections: "3", ...flags };
  const code = await bench(url, undefined, short, output, new AbortController().signal);
  return { code, stdout, stderr };
}

for (const listen of ["tcp://127.0.0.1:0", "http://127.0.0.1:0"]) {
  Deno.test(`bench() measures the gateway over ${listen.split(":")[0]}, in both eras`, async () => {
    await using gateway = await echoGateway(listen);
    try {
      for (const era of ["legacy", "auto"]) {
        const { code, stdout } = await runBench(gateway.urls[0].href, { era });
        assert.equal(code, 0, stdout);
        assert.match(
          stdout,
          /0 crossed, 0 lost, 0 repeated, 0 late \(answers told apart by nonces\)/,
        );
        assert.match(stdout, era === "auto" ? /modern era/ : /legacy era/);
      }
    } finally {
      await gateway.drain(AbortSignal.timeout(5_000));
    }
  });
}

Deno.test("bench() writes a result and a page, and compares with an earlier one", async () => {
  await using gateway = await echoGateway("tcp://127.0.0.1:0");
  const folder = await Deno.makeTempDir();
  try {
    const url = gateway.urls[0].href;
    const json = `${folder}/base.json`, html = `${folder}/page.html`;
    const first = await runBench(url, { json, html, direct: url, repeat: "2" });
    assert.equal(first.code, 0, first.stdout);
    assert.match(first.stdout, /rate, through \/ direct/);
    const { schemaVersion, runs, directRuns } = JSON.parse(await Deno.readTextFile(json));
    assert.deepEqual([schemaVersion, runs.length, directRuns.length], [1, 2, 2]);
    assert.match(await Deno.readTextFile(html), /^<!doctype html>/);

    const same = { direct: url, repeat: "1", compare: json };
    const lenient = await runBench(url, { ...same, threshold: "1000" });
    assert.equal(lenient.code, 0, lenient.stdout);
    const base = JSON.parse(await Deno.readTextFile(json));
    base.summary.rate_ratio = { median: 1e6, min: 1e6, max: 1e6, samples: [1e6] };
    await Deno.writeTextFile(json, JSON.stringify(base));
    const worse = await runBench(url, same);
    assert.equal(worse.code, 1);
    assert.match(worse.stderr, /worse: rate, through \/ direct/);
  } finally {
    await gateway.drain(AbortSignal.timeout(5_000));
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("sluice bench makes load from several processes", async () => {
  await using gateway = await echoGateway("tcp://127.0.0.1:0");
  try {
    const short = ["--duration", "0.2", "--warm-up", "0.1", "--connections", "4", "--workers", "2"];
    const { code, stdout, stderr } = await runSluice(["bench", ...short, gateway.urls[0].href]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /0 crossed, 0 lost, 0 repeated/);
    assert.match(stdout, /│ connects │ +4 │/);
  } finally {
    await gateway.drain(AbortSignal.timeout(5_000));
  }
});

Deno.test("sluice bench has one line and an exit code for each failure", async () => {
  const nowhere = await runSluice(["bench", "tcp://127.0.0.1:1"]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^sluice: .*; start the server, or correct its URL\n$/);
  const unknown = await runSluice(["bench", "--scenario", "nope", "tcp://127.0.0.1:1"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /choose one of echo, tools-list/);
});
