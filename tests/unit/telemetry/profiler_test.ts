import assert from "node:assert/strict";
import { cpuProfile, heapSnapshot, type ProfileNode } from "../../../lib/telemetry/profiler.ts";
import { flameGraph } from "../../../lib/telemetry/profiler_flame.ts";
import { LeakWatch, SPAN_S_MIN } from "../../../lib/telemetry/profiler_leaks.ts";
import { frameTree, topFunctions } from "../../../lib/telemetry/profiler_tree.ts";

function node(id: number, functionName: string, children: number[] = [], url = ""): ProfileNode {
  return { id, callFrame: { functionName, url, lineNumber: 4 }, children };
}

const PROFILE = {
  nodes: [
    node(1, "(root)", [2, 3, 5]),
    node(2, "(idle)"),
    node(3, "outer", [4], "file:///a/b/lib/x.ts"),
    node(4, "in<ner", [], "file:///a/b/lib/x.ts"),
    node(5, "(garbage collector)"),
  ],
  startTime: 0,
  endTime: 100,
  samples: [2, 3, 4, 4, 5],
  timeDeltas: [50, 10, 20, 10, 10],
};

Deno.test("frameTree() adds up times and leaves out when nothing ran", () => {
  const root = frameTree(PROFILE);
  assert.equal(root.totalUs, 50);
  assert.deepEqual(root.children.map(({ name, totalUs, selfUs }) => [name, totalUs, selfUs]), [
    ["outer", 40, 10],
    ["(garbage collector)", 10, 10],
  ]);
  assert.deepEqual(
    topFunctions(root).map(({ name, place, selfShare }) => [name, place, selfShare]),
    [
      ["in<ner", "lib/x.ts:5", 0.6],
      ["outer", "lib/x.ts:5", 0.2],
      ["(garbage collector)", "", 0.2],
    ],
  );
});

Deno.test("flameGraph() is one file without script or reference, and escapes names", () => {
  const svg = flameGraph(frameTree(PROFILE), "sluice & more");
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.ok(!/<script|href|url\(/.test(svg));
  assert.match(svg, /sluice &#38; more/);
  assert.match(svg, /in&#60;ner \(lib\/x\.ts:5\): 60\.0 %/);
  assert.equal(svg.match(/<title>/g)?.length, 5);
});

Deno.test("cpuProfile() ends early when told, one at a time; heapSnapshot() is for its owner only", async () => {
  const stop = new AbortController();
  const running = cpuProfile(60, stop.signal);
  await assert.rejects(cpuProfile(1), /another one is under way/);
  stop.abort();
  const profile = await running;
  assert.ok(profile.nodes.length > 0);
  const folder = await Deno.makeTempDir();
  try {
    const { file, bytes } = await heapSnapshot(folder);
    const { size, mode } = await Deno.stat(file);
    assert.equal(size, bytes);
    assert.equal(mode! & 0o777, 0o600);
    JSON.parse(await Deno.readTextFile(file));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Samples every 10 s. */
function watched(seconds: number, resident: (s: number) => number, sessions = (_: number) => 5) {
  const watch = new LeakWatch();
  for (let s = 0; s <= seconds; s += 10) {
    watch.take({
      atMs: s * 1000,
      residentBytes: resident(s),
      heapBytes: 1e7,
      connections: 3,
      sessions: sessions(s),
    });
  }
  return watch.report();
}

Deno.test("LeakWatch says nothing too early, and tells growth from ups and downs", () => {
  assert.equal(watched(SPAN_S_MIN / 2, () => 1e8).verdict, undefined);
  assert.equal(watched(3600, (s) => 1e8 + 1e7 * Math.sin(s)).verdict, "steady");
  const growing = watched(3600, (s) => 1e8 + 1e4 * s);
  assert.equal(growing.verdict, "growing");
  const [resident] = growing.trends;
  assert.equal(Math.round(resident.slopePerHour / 1e6), 36);
  assert.deepEqual(growing.trends.filter((one) => one.isSuspicious).map(({ signal }) => signal), [
    "residentBytes",
  ]);
});

Deno.test("LeakWatch blames sessions where they grow, and keeps long times in few samples", () => {
  const report = watched(50_000, (s) => 1e8 + 1e4 * s, (s) => s);
  assert.deepEqual(report.trends.filter((one) => one.isSuspicious).map(({ signal }) => signal), [
    "sessions",
  ]);
  assert.ok(report.samples <= 720 && report.spanS > 30_000);
});
