import assert from "node:assert/strict";
import { GatewayProcess } from "../fixtures/gateway_process.ts";
import { needing, promtool } from "../fixtures/promtool.ts";
import { ask, openSession, post, textOf } from "../fixtures/workers_scene.ts";

/** Nothing that carries this may ever be shown. */
const MARK = "h0stile";
const EACH = 40;

/** What somebody could try, under a name of its own each time. */
async function provoke(gateway: GatewayProcess, round: number): Promise<void> {
  const { url } = gateway;
  const session = await openSession(url);
  for (let i = 0; i < EACH; i++) {
    const name = `${MARK}-${round}-${i}"} 1\nsluice_fake{a="\\`;
    await post(url, { id: name, method: name }, session);
    await post(url, { id: name, method: `tools/${name}`, params: { name } }, session);
    await post(url, {
      id: name,
      method: "tools/call",
      params: { name, arguments: { [name]: name }, _meta: { progressToken: name } },
    }, session);
    await post(url, { id: name, method: "resources/read", params: { uri: `file:///${name}` } });
    await post(url, { method: `notifications/${name}` }, session);
    const plain = `${MARK}-${round}-${i}`;
    const headers = {
      ...{ "mcp-session-id": plain, authorization: `Bearer ${plain}`, "user-agent": plain },
      ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
    };
    await textOf(await ask(url, "POST", headers, `{"${plain}":`));
    await textOf(await ask(new URL(`/${plain}?${plain}`, url), "GET", headers));
    await textOf(await ask(url, "GET", { ...headers, host: `${plain}.example` }));
    await textOf(await ask(url, "GET", { ...headers, origin: `https://${plain}.example` }));
  }
}

Deno.test({
  name: "nothing that a client sends becomes a label, or a series of its own",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using gateway = await GatewayProcess.start({
      args: ["--upstream", "echo=builtin:echo", "--upstream", "demo=builtin:demo"],
      env: { SLUICE_SUSPICION_ENABLED: "false" },
    });
    await provoke(gateway, 1);
    const before = [...(await gateway.metrics()).keys()];
    await provoke(gateway, 2);
    const after = [...(await gateway.metrics()).keys()];
    assert.deepEqual(after.filter((series) => !before.includes(series)), []);
    const text = await (await fetch(new URL("/metrics", gateway.url))).text();
    assert.ok(!text.includes(MARK) && !text.includes("sluice_fake"), text);
    assert.ok(after.some((series) => series.includes('method="other"')), after.join("\n"));
    assert.equal(await gateway.metric("sluice_metric_overflows_total"), 0);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
  },
});

Deno.test({
  ...needing("promtool", "a server with a hostile name in the configuration is shown in one piece"),
  async fn() {
    const name = `a"} 1 sluice_fake{b="\\`; // line feeds are refused
    const file = await Deno.makeTempFile({ suffix: ".json" });
    const upstreams = { [name]: { url: "builtin:echo" }, echo: { url: "builtin:echo" } };
    await Deno.writeTextFile(file, JSON.stringify({ sluice: { upstreams } }));
    {
      await using gateway = await GatewayProcess.start({ args: ["--config", file] });
      const session = await openSession(gateway.url);
      await post(gateway.url, { id: 1, method: "tools/list" }, session);
      await post(gateway.url, { id: 2, method: "tools/call", params: { name: "echo__echo" } });
      const text = await (await fetch(new URL("/metrics", gateway.url))).text();
      const { code, said } = await promtool(["check", "metrics"], text);
      assert.deepEqual([code, said], [0, ""]);
      assert.ok(!/^sluice_fake/m.test(text));
    }
    await Deno.remove(file);
  },
});
