import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { ask, openSession, post, textOf } from "../fixtures/workers_scene.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "serve shows what passes: writes, bytes on the wire, errors by code, refusals, lookups",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({ args: ["--upstream", "a=builtin:demo"] });
    const { url } = gateway;
    const session = await openSession(url);
    for (let id = 1; id <= 200; id++) await post(url, { id, method: "tools/list" }, session);
    await post(url, { id: 0, method: "tools/call", params: {} }, session);
    await textOf(await ask(url, "GET", { host: "elsewhere.example" }));
    const packed = await ask(url, "POST", {
      ...{ "mcp-session-id": session, "content-type": "application/json" },
      accept: "application/json, text/event-stream",
    }, "{");
    await textOf(packed);
    const metrics = await gateway.metrics();
    const value = (series: string) => metrics.get(series) ?? 0;
    assert.ok(value("sluice_batch_messages_count") > 0);
    const wire = value('sluice_bytes_total{transport="http",direction="in",stage="wire"}');
    const plain = value('sluice_bytes_total{transport="http",direction="in",stage="message"}');
    assert.ok(wire > plain && plain > 0, `${wire} bytes on the wire for ${plain}`);
    assert.equal(value('sluice_errors_total{code="-32602"}'), 1);
    assert.equal(value('sluice_errors_total{code="-32700"}'), 1);
    assert.equal(value('sluice_http_refusals_total{status="403"}'), 1);
    const lookups = value('sluice_cache_lookup_seconds_count{target="tool_schema"}');
    assert.ok(lookups >= 2 && lookups <= 4, `${lookups} lookups timed`);
    const compliance = value('sluice_sona_compliance_ratio{target="tool_schema"}');
    assert.ok(compliance >= 0 && compliance <= 1);
    assert.equal(value('sluice_objective_target_ratio{objective="availability"}'), 0.999);
    assert.equal(await gateway.metric("sluice_metric_collect_failures_total"), 0);
  },
});

Deno.test({
  name: "serve warns when connections run short, and says when there is room again",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      args: ["--upstream", "a=builtin:echo"],
      env: { SLUICE_LIMITS_CONNECTIONS: "10", SLUICE_CAPACITY_CONNECTIONS: "0.3" },
    });
    const sockets = Array.from({ length: 5 }, () => net.connect(gateway.port, "127.0.0.1"));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    const isOver = async () =>
      (await gateway.metrics()).get('sluice_capacity_over{resource="connections"}') === 1;
    await until(isOver, "the capacity to run short");
    const line = gateway.log.split("\n").find((line) => line.includes("capacity runs short"));
    assert.equal(JSON.parse(line!).resource, "connections");
    assert.equal(await gateway.metric("sluice_watch_alerts_total"), 1);
    const closed = sockets.map((socket) => once(socket, "close"));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await until(() => gateway.log.includes("capacity is back"), "room for connections", 60_000);
    assert.equal(await isOver(), false);
  },
});
