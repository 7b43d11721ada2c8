import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import {
  type Bridge,
  MCP_PROXY,
  quoted,
  startBridge,
  SUPERGATEWAY,
} from "../fixtures/real_clients_peers.ts";
import { connectRealClient, overHttp, overSse, overStdio } from "../fixtures/real_clients_sdk.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { sluice, startServe } from "../fixtures/sluice.ts";

type Open = (command: Parameters<typeof quoted>[0]) => Promise<Bridge>;

/** supergateway before a command. */
const supergateway = (...flags: string[]): Open => (command) =>
  startBridge(SUPERGATEWAY!, (port) => ["--stdio", quoted(command), "--port", port, ...flags]);

/** mcp-proxy before a command. */
const mcpProxy: Open = ({ program, args }) =>
  startBridge(
    MCP_PROXY!,
    (port) => ["--host", "127.0.0.1", "--port", port, "--", program, ...args],
  );

const STATEFUL = ["--outputTransport", "streamableHttp", "--stateful"];

/** Name, how the bridge starts, where sluice finds it, whether it is there. */
const UPSTREAMS: readonly [string, Open, (url: URL) => string, boolean][] = [
  [
    "supergateway, Streamable HTTP",
    supergateway(...STATEFUL),
    ({ href }) => `${href}mcp`,
    SUPERGATEWAY !== undefined,
  ],
  [
    "supergateway, stateless",
    supergateway("--outputTransport", "streamableHttp"),
    ({ href }) => `${href}mcp`,
    SUPERGATEWAY !== undefined,
  ],
  [
    "supergateway, SSE",
    supergateway(),
    ({ href }) => `sse+${href}sse`,
    SUPERGATEWAY !== undefined,
  ],
  [
    "supergateway, WebSocket",
    supergateway("--outputTransport", "ws"),
    ({ host }) => `ws://${host}/message`,
    SUPERGATEWAY !== undefined,
  ],
  ["mcp-proxy, Streamable HTTP", mcpProxy, ({ href }) => `${href}mcp`, MCP_PROXY !== undefined],
  ["mcp-proxy, SSE", mcpProxy, ({ href }) => `sse+${href}sse`, MCP_PROXY !== undefined],
];

for (const [name, open, urlOf, present] of UPSTREAMS) {
  Deno.test(`a bridge is an upstream of proxy: ${name}`, { ignore: !present }, async () => {
    await using bridge = await open(everythingServer());
    await use(overStdio(sluice("proxy", urlOf(bridge.url))));
  });
}

/** Name, how the bridge starts before `sluice proxy`, how the client connects, whether it is there. */
const CLIENTS: readonly [string, Open, (url: URL) => Parameters<typeof use>[0], boolean][] = [
  [
    "supergateway, Streamable HTTP",
    supergateway(...STATEFUL),
    ({ href }) => overHttp(new URL(`${href}mcp`)),
    SUPERGATEWAY !== undefined,
  ],
  [
    "mcp-proxy, Streamable HTTP",
    mcpProxy,
    ({ href }) => overHttp(new URL(`${href}mcp`)),
    MCP_PROXY !== undefined,
  ],
  [
    "mcp-proxy, SSE",
    mcpProxy,
    ({ href }) => overSse(new URL(`${href}sse`)),
    MCP_PROXY !== undefined,
  ],
];

for (const [name, open, transportOf, present] of CLIENTS) {
  Deno.test(`a bridge spawns proxy before serve: ${name}`, { ignore: !present }, async () => {
    await using serve = await startServe(everythingServer());
    await using bridge = await open(sluice("proxy", serve.url.href));
    await use(transportOf(bridge.url));
  });
}

for (const [flag, path] of [["--streamableHttp", "/mcp"], ["--sse", "/mcp/sse"]]) {
  Deno.test(`supergateway ${flag} to stdio is a client of serve`, {
    ignore: SUPERGATEWAY === undefined,
  }, async () => {
    await using serve = await startServe(everythingServer());
    const url = new URL(path, serve.url).href;
    await use(overStdio({ program: "node", args: [SUPERGATEWAY!, flag, url] }));
  });
}

async function use(transport: Parameters<typeof connectRealClient>[0]): Promise<void> {
  const session = async () => {
    await using real = await connectRealClient(transport);
    assert.equal(real.client.getServerVersion()?.name, "mcp-servers/everything");
    const names = (await real.client.listTools()).tools.map(({ name }) => name);
    assert.ok(names.includes("echo"), names.join());
    assert.equal(await real.call("echo", { message: "é 漢 🦕" }), "Echo: é 漢 🦕");
  };
  await bounded(session(), "a session through the bridge");
}
