import assert from "node:assert/strict";
import { faultOf, resolve } from "./faults.ts";

const GOLDEN: [unknown, string][] = [
  [
    { mcpServers: { a: { url: "http://h/" } }, servers: { a: { url: "http://h/" } } },
    "Cannot read config: the upstream a is named twice; rename one (gateway.json:3 and gateway.json:8)",
  ],
  [
    { mcpServers: { a: { url: "http://h/" } }, sluice: { upstreams: { b: { start: "eager" } } } },
    "Cannot read config: sluice.upstreams.b has neither url nor command; give one of them (gateway.json:9)",
  ],
];

Deno.test("uniteEntries() refuses names given twice, and settings of no server", async () => {
  for (const [file, line] of GOLDEN) assert.equal(await faultOf(file), line);
});

Deno.test("several servers stand in the order of the file, each with its prefix", async () => {
  const { upstreams } = await resolve({
    mcpServers: { "my files": { command: "files" }, a: { url: "http://a/" } },
    sluice: { upstreams: { c: { url: "http://c/" } } },
  });
  assert.deepEqual(upstreams.map(({ name, prefix }) => [name, prefix]), [
    ["my files", "my_files"],
    ["a", "a"],
    ["c", "c"],
  ]);
});

Deno.test("sluice.upstreams says more about a server of the lists", async () => {
  const more = { tools: { allow: ["read_*"] }, start: "eager", idleStopMs: 5, sharing: "shared" };
  const { upstreams: [files] } = await resolve({
    mcpServers: { files: { command: "files", args: ["x"] } },
    sluice: { upstreams: { files: more } },
  });
  assert.deepEqual(files.endpoint.command, { program: "files", args: ["x"] });
  const { tools, start, idleStopMs, sharing } = files;
  assert.deepEqual({ tools, start, idleStopMs, sharing }, more);
});
