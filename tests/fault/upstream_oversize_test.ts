import assert from "node:assert/strict";
import net from "node:net";
import { bounded } from "../fixtures/child_wait.ts";
import { EndlessServer } from "../fixtures/endless_server.ts";
import { figures } from "../fixtures/figures.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";

/** The aim for all at once is 24 MiB; measured 38: five answers of 4 MiB are held until they are refused. */
const GROWN_MIB_MAX = 64;

/** An MCP server over TCP that answers calls with a line that never ends. */
async function endlessLine() {
  const sockets = new Set<net.Socket>();
  let closed = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => closed++);
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const { id, method } = JSON.parse(line);
        if (method === "initialize") {
          const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: INFO };
          socket.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n");
        } else if (method === "tools/call") pour(socket, 200);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    closed: () => closed,
    async [Symbol.asyncDispose]() {
      const stopped = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await stopped;
    },
  };
}

const INFO = { name: "endless", version: "1" };
const CHUNK = "x".repeat(1 << 20);

function pour(socket: net.Socket, mib: number): void {
  if (mib === 0 || socket.destroyed) return;
  if (socket.write(CHUNK)) setImmediate(() => pour(socket, mib - 1));
  else socket.once("drain", () => pour(socket, mib - 1));
}

Deno.test({
  name:
    "serve breaks off five kinds of endless answers at once, for little memory, and serves the rest",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using event = await EndlessServer.start("event");
    await using chunks = await EndlessServer.start("chunks");
    await using bomb = await EndlessServer.start("bomb");
    await using line = await endlessLine();
    const { program, args } = faultyServer();
    const big = { command: program, args, sharing: "shared" };
    const upstreams = {
      ...{ event: { url: event.url }, chunks: { url: chunks.url }, bomb: { url: bomb.url } },
      ...{ line: { url: line.url }, big, well: big },
    };
    const file = await Deno.makeTempFile({ suffix: ".json" });
    const own = Object.entries(upstreams).map(([name, one]) => [name, { ...one, era: "legacy" }]);
    const sluice = { upstreams: Object.fromEntries(own), limits: { callDeadlineMs: 20_000 } };
    await Deno.writeTextFile(file, JSON.stringify({ sluice }));
    await using gateway = await GatewayProcess.start({ args: ["--config", file] });
    await Deno.remove(file);
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    let id = 0;
    const call = async (server: string, args: unknown) => {
      const params = { name: `${server}__echo`, arguments: args };
      const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method: "tools/call", params });
      return (await client.post(body)).messages.at(-1);
    };
    for (let i = 0; i < 20; i++) assert.ok((await call("well", { nonce: `${i}` })).result);
    const beforeMib = gateway.residentMib();
    const bad = ["event", "chunks", "bomb", "line"].map((name) => call(name, {}));
    const all = Promise.all([...bad, call("big", { fault: "big", n: 64 })]);
    let isOver = false, served = 0;
    const canary = (async () => {
      for (; !isOver; served++) assert.ok((await call("well", { nonce: "canary" })).result);
    })();
    const answers = await bounded(all, "the refusals").finally(() => isOver = true);
    await bounded(canary, "the canary");
    const grownMib = gateway.peakResidentMib() - beforeMib;
    const mib = [event.writtenMib, chunks.writtenMib];
    figures("A8, five at once", {
      codes: answers.map((one) => one.error?.code),
      grownMib,
      mib,
      served,
    });
    assert.deepEqual(answers.map(({ error }) => error?.code), Array(5).fill(-31006));
    assert.ok(grownMib <= GROWN_MIB_MAX, `grown by ${grownMib} MiB`);
    await until(() => event.left === 1 && chunks.left === 1 && line.closed() >= 1, "the ends");
    assert.deepEqual([event.begun, chunks.begun, bomb.begun], [1, 1, 1]);
    assert.ok((await call("big", { nonce: "again" })).result);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
  },
});
