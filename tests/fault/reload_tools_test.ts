import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";

Deno.test({
  name: "serve hides and shows tools of a running server without starting it again",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { program, args } = faultyServer();
    const server = { command: program, args, era: "legacy", sharing: "shared" };
    const file = await Deno.makeTempFile({ suffix: ".json" });
    const write = (tools: object) => {
      const upstreams = { a: { ...server, ...tools }, b: server };
      return Deno.writeTextFile(file, JSON.stringify({ sluice: { upstreams } }));
    };
    await write({});
    await using gateway = await GatewayProcess.start({ args: ["--config", file] });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    await using stream = await client.listen();
    let id = 0;
    const ask = async (method: string, params = {}) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params });
      return (await bounded(client.post(body), "an answer")).messages.at(-1);
    };
    const tools = async () =>
      (await ask("tools/list")).result.tools.map(({ name }: { name: string }) => name);
    const call = (args: object) => ask("tools/call", { name: "a__echo", arguments: args });
    const pidOf = async () => JSON.parse((await call({})).result.content[0].text).pid;
    assert.deepEqual(await tools(), ["a__echo", "b__echo"]);
    const pid = await pidOf();
    using other = new GatewayClient(gateway.url); // whose call has a stream of its own
    await other.initialize();
    const params = { name: "a__echo", arguments: { ms: 1000 } };
    const held = other.post(
      JSON.stringify({ jsonrpc: "2.0", id: "held", method: "tools/call", params }),
    );
    await write({ tools: { deny: ["ec*"] } });
    await bounded(stream.until(1), "the change");
    assert.equal(stream.messages[0].method, "notifications/tools/list_changed");
    assert.deepEqual(await tools(), ["b__echo"]);
    assert.equal((await call({})).error.code, -32602);
    assert.equal(JSON.parse((await held).messages.at(-1).result.content[0].text).pid, pid);
    await write({});
    await bounded(stream.until(2), "the change back");
    assert.deepEqual(await tools(), ["a__echo", "b__echo"]);
    assert.equal(await pidOf(), pid);
    const reloads = () => gateway.metric("sluice_config_reloads_total");
    await until(async () => await reloads() === 2, "both reloads");
    await Deno.remove(file);
  },
});
