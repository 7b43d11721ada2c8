import assert from "node:assert/strict";
import { faultOf } from "./faults.ts";

const GOLDEN: [unknown, string][] = [
  [
    { sluice: { listen: ["stdio:", "https://h:1"] } },
    "Cannot listen on https://h:1: a TLS listener needs a certificate and its key; add ?cert=FILE&key=FILE (gateway.json:5)",
  ],
  [
    { sluice: { listen: ["stdio:", "stdio:"] } },
    "Cannot listen on stdio:: it is named twice; name it once (gateway.json:5)",
  ],
];

Deno.test("resolveListeners() names the line of a bad listener", async () => {
  for (const [file, line] of GOLDEN) assert.equal(await faultOf(file), line);
});
