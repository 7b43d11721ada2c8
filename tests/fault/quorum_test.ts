import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { EndpointProcess, type Vice } from "../fixtures/endpoint_process.ts";
import { callTool, connected, gatewayOf, listTools } from "../fixtures/failover_scene.ts";
import type { GatewayClient } from "../fixtures/gateway_client.ts";
import { type GatewayProcess, until } from "../fixtures/gateway_process.ts";

const CALLS = 20;
const DEADLINE_MS = 2000;

interface Scene {
  readonly servers: readonly EndpointProcess[];
  readonly client: GatewayClient;
  readonly gateway: GatewayProcess;
}

/** A quorum of three, with their vices. */
function quorum(
  title: string,
  vices: readonly (Vice | undefined)[],
  check: (scene: Scene) => Promise<void>,
): void {
  Deno.test({
    name: `serve ${title}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using one = await EndpointProcess.start(vices[0]);
      await using two = await EndpointProcess.start(vices[1]);
      await using three = await EndpointProcess.start(vices[2]);
      const servers = [one, two, three];
      await using gateway = await gatewayOf({
        upstream: { endpoints: servers.map(({ ws }) => ({ url: ws })), quorum: true },
        settings: { limits: { callDeadlineMs: DEADLINE_MS } },
      });
      using client = await connected(gateway);
      assert.equal(await listTools(client), 0);
      await check({ servers, client, gateway });
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

async function read(client: GatewayClient, nonce: string) {
  return await bounded(callTool(client, "read", nonce), `the answer to ${nonce}`);
}

for (const liar of [0, 1, 2]) {
  const vices = [undefined, undefined, undefined].map((_, i) => i === liar ? "lie" : undefined);
  quorum(`gives the right answer although server ${liar + 1} of 3 lies`, vices, async (scene) => {
    for (let i = 0; i < CALLS; i++) assert.equal(await read(scene.client, `n${i}`), `n${i}`);
  });
}

quorum("gives the right answer although 1 of 3 is dead", [], async ({ servers, client }) => {
  for (const [at, server] of servers.entries()) {
    await server.kill();
    for (let i = 0; i < CALLS; i++) assert.equal(await read(client, `${at}-${i}`), `${at}-${i}`);
    await server.restart();
    await revived(client, server);
  }
});

quorum("gives the right answer although 1 of 3 says nothing, and cancels it there", [
  undefined,
  "mute",
], async ({ servers, client }) => {
  for (let i = 0; i < CALLS; i++) assert.equal(await read(client, `n${i}`), `n${i}`);
  await servers[1].until("notifications/cancelled", CALLS);
});

quorum("tells who agreed on what when 1 of 3 lies and 1 is dead", ["lie"], async (scene) => {
  const { servers, client } = scene;
  await servers[2].kill();
  const params = { name: "read", arguments: { nonce: "n" } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params });
  const { status, messages } = await bounded(client.post(body), "the refusal");
  const { id, error } = messages.at(-1);
  assert.deepEqual([status, id, error.code], [200, 7, -31008]);
  assert.equal(error.data.needed, 2);
  const agreed = error.data.answers.map(({ members }: { members: string[] }) => members);
  assert.deepEqual(agreed.sort(), [["server#1"], ["server#2"]]);
  assert.match(error.data.answers[0].sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(error.data.failed.map(({ member }: { member: string }) => member), ["server#3"]);
});

quorum("answers in time when 1 of 3 lies and 1 says nothing", ["lie", undefined, "mute"], async (
  { client },
) => {
  assert.equal(await read(client, "n"), "-31008 200");
});

quorum("refuses calls that may have an effect, and sends them nowhere", [], async (scene) => {
  const { servers, client } = scene;
  assert.equal(await callTool(client, "write", "n"), "-31009 403");
  const { messages } = await client.post(
    '{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///x"}}',
  );
  assert.equal(messages.at(-1).error.code, -31009);
  assert.equal(await read(client, "after"), "after");
  for (const server of servers) assert.deepEqual(server.nonces("write"), []);
});

/** Waits until a server that came back takes part again. */
async function revived(client: GatewayClient, server: EndpointProcess): Promise<void> {
  let number = 0;
  await until(async () => {
    const nonce = `again ${server.pid} ${number++}`;
    assert.equal(await read(client, nonce), nonce);
    return server.nonces("read").includes(nonce);
  }, "the server to take part again");
}
