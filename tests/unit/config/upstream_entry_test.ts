import assert from "node:assert/strict";
import { faultOf } from "./faults.ts";

const upstream = (a: unknown) => ({ sluice: { upstreams: { a } } });

const GOLDEN: [unknown, string][] = [
  [
    upstream({ url: "http://h/", headers: { "a b": "" } }),
    'Cannot read config: sluice.upstreams.a.headers["a b"] is not the name of a header; rename it (gateway.json:7)',
  ],
  [
    upstream({ url: "http://h/", headers: { Host: "x" } }),
    "Cannot read config: sluice.upstreams.a.headers.Host belongs to the connection, not to the configuration; remove it (gateway.json:7)",
  ],
  [
    upstream({ url: "http://h/", headers: { a: "x\r\ny: z" } }),
    "Cannot read config: sluice.upstreams.a.headers.a holds characters that a header cannot carry; remove line ends and symbols (gateway.json:7)",
  ],
  [
    { mcpServers: { a: { url: "http://${GONE}/" } } },
    "Cannot read config: mcpServers.a.url needs the variable GONE, which is not set; set it, or write ${GONE:-default} (gateway.json:4)",
  ],
  [
    { mcpServers: { a: { type: "sse", url: "http://h:0/sse" } } },
    "Cannot use upstream sse+http://h:0/sse: port 0 cannot be dialled; name the port of the server (gateway.json:5)",
  ],
];

Deno.test("resolveUpstream() names key and line of what cannot be used", async () => {
  for (const [file, line] of GOLDEN) assert.equal(await faultOf(file), line);
});
