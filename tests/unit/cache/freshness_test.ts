import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { ask, cacheScene } from "../../fixtures/cache_scene.ts";

const TOOLS = { tools: [{ name: "a", inputSchema: {} }] };
const read = (uri: string) => ask("resources/read", { uri });

const CHANGES: [string, string, boolean][] = [
  ["notifications/tools/list_changed", "tools/list", true],
  ["notifications/prompts/list_changed", "prompts/list", true],
  ["notifications/resources/list_changed", "resources/list", true],
  ["notifications/resources/list_changed", "resources/templates/list", true],
  ["notifications/resources/list_changed", "resources/read", true],
  ["notifications/tools/list_changed", "prompts/list", false],
  ["notifications/prompts/list_changed", "resources/read", false],
];
for (const [told, method, isForgotten] of CHANGES) {
  Deno.test(`ResponseCache ${isForgotten ? "forgets" : "keeps"} ${method} on ${told}`, async () => {
    const { get, asked, cache } = cacheScene(() => ({ ttlMs: 60_000, cacheScope: "public" }));
    const params = method === "resources/read" ? { uri: "x://1" } : {};
    await get(ask(method, params));
    cache.hear(notification(told));
    await get(ask(method, params));
    await get(ask(method, params));
    assert.equal(asked.length, isForgotten ? 2 : 1);
  });
}

Deno.test("ResponseCache forgets one resource when that is updated", async () => {
  const { get, asked, cache } = cacheScene(() => ({ contents: [] }));
  const readBoth = async () => {
    await get(read("x://1"));
    await get(read("x://2"));
  };
  await readBoth();
  cache.hear(notification("notifications/resources/updated", { uri: "x://1" }));
  await readBoth();
  await readBoth();
  assert.deepEqual(asked.map(({ message }) => message.uri), ["x://1", "x://2", "x://1"]);
});

Deno.test("ResponseCache does not keep an answer that was under way during a change", async () => {
  const gate = Promise.withResolvers<void>();
  const { get, asked, cache } = cacheScene(async () => {
    await gate.promise;
    return TOOLS;
  });
  const before = get(ask("tools/list"));
  cache.hear(notification("notifications/tools/list_changed"));
  const after = get(ask("tools/list"));
  gate.resolve();
  await Promise.all([before, after]);
  assert.equal(
    asked.length,
    2,
    "who asks after the change does not wait for what was asked before",
  );
  await get(ask("tools/list"));
  assert.equal(asked.length, 2);
});

Deno.test("ResponseCache forgets resources and unvouched lists when a tool may have changed something", async () => {
  const readOnly = { name: "look", inputSchema: {}, annotations: { readOnlyHint: true } };
  const vouched = { ttlMs: 60_000, cacheScope: "public" };
  const { get, asked } = cacheScene(({ message }) => {
    if (message.method === "tools/list") return { tools: [readOnly], ...vouched };
    return message.method === "resources/read" ? { contents: [], ...vouched } : {};
  });
  const all = async () => {
    await get(ask("tools/list"));
    await get(ask("prompts/list"));
    await get(read("x://1"));
  };
  const methods = () => asked.splice(0).map(({ message }) => message.method);
  await all();
  assert.deepEqual(methods(), ["tools/list", "prompts/list", "resources/read"]);
  await get(ask("tools/call", { name: "look" }));
  await all();
  assert.deepEqual(methods(), ["tools/call"]);
  await get(ask("tools/call", { name: "write" }));
  await all();
  assert.deepEqual(methods(), ["tools/call", "prompts/list", "resources/read"]);
});

Deno.test("ResponseCache keeps a list as long as the server tells of changes, until its connection is lost", async () => {
  const capabilities = { tools: { listChanged: true }, prompts: {} };
  const { get, asked, cache } = cacheScene(
    ({ message }) => message.method === "initialize" ? { capabilities } : TOOLS,
    { assumedMs: 0 },
  );
  await get(ask("initialize", {}));
  asked.length = 0;
  for (let count = 0; count < 2; count++) {
    await get(ask("tools/list"));
    await get(ask("prompts/list"));
  }
  assert.equal(asked.length, 3);
  cache.lost();
  await get(ask("tools/list"));
  assert.equal(asked.length, 4);
});
