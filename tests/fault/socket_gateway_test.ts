import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { LineClient } from "../fixtures/line_client.ts";
import { StreamGateway } from "../fixtures/stream_gateway.ts";

const PING = '{"jsonrpc":"2.0","id":"alive","method":"ping"}\n';
const PONG = '{"jsonrpc":"2.0","id":"alive","result":{}}';

function code(line: string | undefined): number | undefined {
  return line === undefined ? undefined : JSON.parse(line).error?.code;
}

Deno.test("16 bad lines are answered one by one, the next ends the connection", async () => {
  await using gateway = await StreamGateway.start("tcp://127.0.0.1:0");
  using client = await LineClient.connect(gateway.url);
  client.read();
  for (let i = 0; i < 16; i++) {
    await client.write(i % 2 === 0 ? "nonsense\n" : "[]\n");
    assert.equal(code(await client.line()), i % 2 === 0 ? -32700 : -32600);
    await client.write(PING);
    assert.equal(await client.line(), PONG);
  }
  await client.write(`${PING}nonsense\n${PING}`);
  assert.equal(await client.line(), PONG);
  assert.equal(await client.line(), undefined);
  assert.equal(await client.ended, undefined, "closed, not reset");
  using next = await LineClient.connect(gateway.url);
  next.read();
  await next.write(PING);
  assert.equal(await next.line(), PONG);
});

Deno.test("a message over the limit is refused, and the refusal arrives", async () => {
  await using gateway = await StreamGateway.start("tcp://127.0.0.1:0", undefined, {
    SLUICE_LIMITS_MESSAGE_BYTES: "4096",
  });
  using client = await LineClient.connect(gateway.url);
  client.read();
  void client.write("x".repeat(1024 * 1024)); // need not be taken
  assert.equal(code(await client.line()), -31007);
  assert.equal(await client.line(), undefined);
});

/** Who does not read is told of a reset only when it writes. */
async function cutOff(client: LineClient): Promise<string | undefined> {
  const poke = setInterval(() => client.socket.write("\n"), 100);
  try {
    return await client.ended;
  } finally {
    clearInterval(poke);
  }
}

Deno.test({
  name: "200 clients that never read are cut, and cost no more than their buffers",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // Of a TCP connection over loopback the system alone takes 8 MB before anybody has to wait.
    const folder = await Deno.makeTempDir();
    await using gateway = await StreamGateway.start(`unix://${folder}/mcp.sock`);
    const before = gateway.rssBytes();
    const text = "x".repeat(16 * 1024);
    const call = `{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"echo",` +
      `"arguments":{"message":"${text}"}}}\n`;
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => LineClient.connect(gateway.url)),
    );
    let highest = 0;
    const watching = setInterval(() => highest = Math.max(highest, gateway.rssBytes()), 50);
    try {
      for (const client of clients) {
        client.socket.pause();
        for (let id = 0; id < 200; id++) client.socket.write(call.replace("ID", String(id)));
      }
      using other = await LineClient.connect(gateway.url);
      other.read();
      await other.write(PING);
      assert.equal(await other.line(), PONG, "others are served meanwhile");
      for (const client of clients) {
        const code = await bounded(cutOff(client), "the end of a client that never reads", 60_000);
        assert.ok(code === "ECONNRESET" || code === "EPIPE", `ended with ${code}`);
      }
    } finally {
      clearInterval(watching);
      for (const client of clients) client[Symbol.dispose]();
    }
    const mebibytes = (highest - before) / 1024 / 1024;
    assert.ok(mebibytes < 700, `it took ${mebibytes.toFixed(0)} MiB`);
    await Deno.remove(folder, { recursive: true });
  },
});
