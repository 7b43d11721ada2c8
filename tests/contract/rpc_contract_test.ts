import assert from "node:assert/strict";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { ProxyLines } from "../fixtures/gateway_lines.ts";
import { GatewayProcess } from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";
import { type RpcClient, rpcContract } from "./rpc_contract.ts";

const HANDSHAKE = [
  '{"jsonrpc":"2.0","id":"initialize","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}',
  '{"jsonrpc":"2.0","method":"notifications/initialized"}',
];
const OVERSIZE = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"p":"${"a".repeat(5 << 20)}"}}`;

async function openHttp(): Promise<RpcClient> {
  const gateway = await GatewayProcess.start({ command: faultyServer() });
  const client = new GatewayClient(gateway.url);
  await client.initialize();
  return {
    async send(bytes) {
      const { status, text } = await client.post(bytes);
      return { status, text: text === "" ? undefined : text };
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

async function openProxy(): Promise<RpcClient> {
  const proxy = new ProxyLines({ command: faultyServer() });
  await proxy.sendLine(HANDSHAKE[0]);
  await proxy.nextLine();
  await proxy.sendLine(HANDSHAKE[1]);
  let alive = 0;
  return {
    async send(bytes) {
      await proxy.sendLine(bytes);
      const id = `alive-${++alive}`;
      await proxy.sendLine(`{"jsonrpc":"2.0","id":"${id}","method":"ping"}`);
      const lines: string[] = [];
      while (lines.length < 2) {
        const line = await proxy.nextLine();
        assert.ok(line !== undefined, "the proxy has ended");
        lines.push(line);
        if (lines.length === 1 && isAnswerTo(id, line)) return {};
      }
      const answer = lines.findIndex((line) => !isAnswerTo(id, line));
      assert.ok(isAnswerTo(id, lines[1 - answer]), `more than one answer: ${lines}`);
      return { text: lines[answer] };
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function isAnswerTo(id: string, line: string): boolean {
  return JSON.parse(line).id === id;
}

rpcContract("serve over HTTP", openHttp);
rpcContract("proxy over stdio", openProxy);

Deno.test("serve refuses what HTTP alone can get wrong", async () => {
  await using gateway = await GatewayProcess.start({ command: faultyServer() });
  using client = new GatewayClient(gateway.url);
  await client.initialize();
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  const cases: readonly [number, string, Record<string, string>?][] = [
    [400, ""],
    [413, OVERSIZE],
    [415, ping, { "content-type": "text/plain" }],
    [415, ping, { "content-encoding": "gzip" }],
    [406, ping, { accept: "text/html" }],
    [400, ping, { "mcp-protocol-version": "1999-01-01" }],
  ];
  for (const [status, body, headers] of cases) {
    const answer = await client.post(body, headers);
    assert.equal(answer.status, status, answer.text);
    if (status === 413) assert.equal(answer.messages[0].error.code, -31007);
    assert.equal((await client.post(ping)).status, 200);
  }
});

Deno.test("proxy refuses a line over the limit, and ends", async () => {
  await using proxy = new ProxyLines({ command: faultyServer() });
  await proxy.sendLine(HANDSHAKE[0]);
  await proxy.nextLine();
  await proxy.sendLine(OVERSIZE).catch(() => {}); // it need not take all of it
  const { id, error } = JSON.parse((await proxy.nextLine())!);
  assert.deepEqual([id, error.code], [null, -31007]);
  assert.equal(await proxy.nextLine(), undefined);
  assert.equal((await proxy.status).code, 0);
});

Deno.test("proxy skips blank lines and takes CRLF", async () => {
  await using proxy = new ProxyLines({ command: faultyServer() });
  await proxy.sendLine(`\r\n\n  \n${HANDSHAKE[0]}\r`);
  assert.equal(JSON.parse((await proxy.nextLine())!).id, "initialize");
});
