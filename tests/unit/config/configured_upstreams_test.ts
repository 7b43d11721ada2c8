import assert from "node:assert/strict";
import { faultOf } from "./faults.ts";

const GOLDEN: [unknown, string][] = [
  [
    { mcpServers: { a: { url: "http://h/" }, "b c": { command: "x" } } },
    'Cannot serve 2 upstreams: aggregation comes with a later version; keep one of a, ["b c"]',
  ],
  [
    { mcpServers: { a: { url: "http://h/" } }, servers: { a: { url: "http://h/" } } },
    "Cannot read config: the upstream a is named twice; rename one (gateway.json:3 and gateway.json:8)",
  ],
];

Deno.test("uniteEntries() refuses names given twice, and more than one upstream", async () => {
  for (const [file, line] of GOLDEN) assert.equal(await faultOf(file), line);
});
