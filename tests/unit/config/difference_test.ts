import assert from "node:assert/strict";
import {
  appliedConfig,
  configDifference,
  isEmpty,
  isSame,
} from "../../../lib/config/difference.ts";
import type { GatewayConfig } from "../../../lib/config/gateway_config.ts";
import { resolveConfig } from "../../../lib/config/load.ts";
import { parseDocument } from "../../../lib/config/document.ts";

async function configOf(value: unknown): Promise<GatewayConfig> {
  return await resolveConfig(await parseDocument(JSON.stringify(value), "g.json"), {}, {});
}

const servers = (...names: string[]) => ({
  mcpServers: Object.fromEntries(names.map((name) => [name, { command: "run", args: [name] }])),
});

Deno.test("configDifference() is empty for the same file, read twice", async () => {
  const [one, two] = [await configOf(servers("a", "b")), await configOf(servers("a", "b"))];
  const difference = configDifference(one, two);
  assert.ok(isEmpty(difference));
  assert.deepEqual(appliedConfig(one, two, difference), two);
});

Deno.test("configDifference() names servers that came, went and changed", async () => {
  const running = await configOf(servers("a", "b", "c"));
  const { mcpServers } = servers("a", "c", "d");
  mcpServers.c.args = ["other"];
  const { added, removed, changed, restart } = configDifference(
    running,
    await configOf({ mcpServers }),
  );
  assert.deepEqual({ added, removed, changed }, { added: ["d"], removed: ["b"], changed: ["c"] });
  assert.deepEqual(restart, []);
});

Deno.test("configDifference() tells settings that apply at once from those that need a restart", async () => {
  const running = await configOf({ ...servers("a"), sluice: {} });
  const wanted = await configOf({
    ...servers("a"),
    sluice: {
      log: { level: "debug", format: "json" },
      limits: { sessions: 5, messageBytes: 4096 },
      http: { allowedHosts: ["gate.example"] },
      features: { batching: false },
    },
  });
  const difference = configDifference(running, wanted);
  assert.deepEqual([...difference.applied].sort(), [
    "features.batching",
    "limits.sessions",
    "log.level",
  ]);
  assert.deepEqual([...difference.restart].sort(), [
    "http.allowedHosts",
    "limits.messageBytes",
    "log.format",
  ]);
  const applied = appliedConfig(running, wanted, difference);
  assert.equal(applied.limits.sessions, 5);
  assert.equal(applied.limits.messageBytes, running.limits.messageBytes);
  assert.deepEqual(applied.log, { ...running.log, level: "debug" });
  assert.deepEqual(configDifference(applied, wanted).restart, difference.restart);
  assert.deepEqual(configDifference(applied, wanted).applied, []);
});

Deno.test("configDifference() opens and closes addresses, unless one changes hands", async () => {
  const listening = (...listen: string[]) => configOf({ ...servers("a"), sluice: { listen } });
  const running = await listening("http://127.0.0.1:1000", "tcp://127.0.0.1:2000", "stdio:");
  const wanted = await listening("tcp://127.0.0.1:1000", "tcp://127.0.0.1:3000");
  const difference = configDifference(running, wanted);
  const hosts = (list: typeof difference.opened) => list.map(({ url }) => url.host);
  assert.deepEqual(hosts(difference.opened), ["127.0.0.1:3000"]);
  assert.deepEqual(hosts(difference.closed), ["127.0.0.1:2000"]);
  assert.deepEqual(difference.restart, ["listen tcp://127.0.0.1:1000", "listen stdio:"]);
  const { listen } = appliedConfig(running, wanted, difference);
  assert.deepEqual(listen.map(({ url }) => url.href), [
    "http://127.0.0.1:1000/",
    "stdio:",
    "tcp://127.0.0.1:3000",
  ]);
});

Deno.test("isSame() compares by content", () => {
  assert.ok(
    isSame({ a: [1, { b: new URL("http://x/") }] }, { a: [1, { b: new URL("http://x") }] }),
  );
  assert.ok(isSame({ a: undefined }, {}));
  assert.ok(!isSame({ a: 1 }, { a: "1" }));
  assert.ok(!isSame([], {}));
  assert.ok(!isSame([1], [1, 2]));
  assert.ok(!isSame(new URL("http://x/"), {}));
  assert.ok(!isSame(null, {}));
});
