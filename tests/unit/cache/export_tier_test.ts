import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import type { Handler } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import { ExportFeed } from "../../../lib/cache/export_feed.ts";
import { STATE_KEY } from "../../../lib/cache/export_state.ts";
import { ExportTier } from "../../../lib/cache/export_tier.ts";
import { answerInstance } from "../../../lib/cache/instance_proof.ts";
import { Exporter } from "../../../lib/shm/exporter.ts";
import { openPreadReader } from "../../../lib/shm/pread_reader.ts";
import { ask, askModern, cacheScene, FakeCall } from "../../fixtures/cache_scene.ts";

/** A server, and how often it was asked what. */
function server(own: Record<string, unknown> = {}) {
  const answers: Record<string, unknown> = {
    "initialize": { capabilities: { tools: { listChanged: true } } },
    "tools/list": { tools: [{ name: "b", n: 1 }, { name: "a" }] },
    "prompts/list": { prompts: [] },
    "resources/list": { resources: [{ uri: "x://1", name: "one" }] },
    "resources/read": { contents: [{ uri: "x://1", mimeType: "text/plain", text: "é" }] },
    "tools/call": { content: [] },
    ...own,
  };
  const asked: string[] = [];
  const handle: Handler = ({ message }) => {
    if (message.kind !== "request") return Promise.resolve(undefined);
    asked.push(message.method!);
    return Promise.resolve(result(message.id!, answers[message.method!] ?? {}));
  };
  return { answers, asked, handle };
}

interface GatewayOptions {
  readonly isForAll?: boolean;
  readonly own?: Record<string, unknown>;
}

/** A gateway that exports, without its listeners. */
function exporting(path: string, { isForAll = true, own }: GatewayOptions = {}) {
  const { answers, asked, handle } = server(own);
  const instance = crypto.randomUUID();
  const exporter = new Exporter({ path, flushIntervalMs: 0, onOff: (error) => assert.fail(error) });
  const scene = cacheScene(() => ({}), { onChange: (kinds) => feed.changed(kinds) });
  const front = answerInstance(() => instance)(scene.cache.policy(handle));
  let written = Promise.withResolvers<Record<string, Record<string, unknown>>>();
  const feed: ExportFeed = new ExportFeed({
    handler: front,
    target: {
      replace(type, entries) {
        exporter.replace(type, entries);
        exporter.flush();
        const state = entries.find(({ key }) => key === STATE_KEY);
        if (state === undefined) return;
        written.resolve(JSON.parse(String(state.data)));
        written = Promise.withResolvers();
      },
    },
    ...{ version: "1", instance, isForAll, resources: ["x://*"] },
    onProblem: (reason) => assert.fail(reason),
  });
  return {
    ...{ answers, asked, cache: scene.cache, front },
    /** Resolves when everything that is exported is current. */
    async current(): Promise<void> {
      for (;;) {
        const { isCurrent } = await written.promise;
        if (isCurrent.tools && isCurrent.prompts && isCurrent.contents) return;
      }
    },
    /** Resolves with the next state that is written. */
    state: () => written.promise,
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]();
      exporter[Symbol.dispose]();
    },
  };
}

/** A gateway in front of another that reads an export; its memory keeps nothing by itself. */
function reading(path: string, upstream: Handler, memoryMs = 0) {
  const tier = new ExportTier({
    reader: openPreadReader(path, { checkIntervalMs: 0 }),
    memoryMs,
  });
  // Looks at once and not every 10 ms: these tests tell the time by what has happened.
  let ms = performance.now();
  const shared = {
    follow: (_: number, changed: Parameters<ExportTier["follow"]>[1]) =>
      tier.follow(ms += 10, changed),
    find: tier.find.bind(tier),
  };
  const { cache, counts } = cacheScene(() => ({}), { shared, assumedMs: memoryMs });
  const asked: Message[] = [];
  const handle = cache.policy((call) => {
    asked.push(call.message);
    return upstream(call);
  });
  const get = async (message: Message) => (await handle(new FakeCall(message)))!.json().result;
  return { get, asked, counts, [Symbol.dispose]: () => tier[Symbol.dispose]() };
}

const READ = ask("resources/read", { uri: "x://1" });

/** The first answer comes from upstream, and meanwhile it is proved whose the export is. */
async function proved(reader: ReturnType<typeof reading>): Promise<void> {
  await reader.get(ask("tools/list", {}));
  assert.deepEqual(reader.asked.splice(0).map(({ method }) => method), [
    "sluice/instance",
    "tools/list",
  ]);
}

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/export.bin`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ExportTier answers lists and reads from the export of the gateway behind it", () =>
  inFolder(async (path) => {
    await using gateway = exporting(path);
    await gateway.current();
    using reader = reading(path, gateway.front);
    await proved(reader);
    assert.deepEqual(await reader.get(ask("tools/list", {})), gateway.answers["tools/list"]);
    assert.deepEqual(await reader.get(READ), gateway.answers["resources/read"]);
    assert.deepEqual(await reader.get(askModern("tools/list")), {
      ...gateway.answers["tools/list"] as object,
      ...{ resultType: "complete", ttlMs: 0, cacheScope: "private" },
    });
    assert.equal(reader.asked.length, 0);
    assert.equal(reader.counts["l2 hit"], 3);
  }));

Deno.test("ExportTier never answers from the export of another gateway", () =>
  inFolder(async (path) => {
    await using gateway = exporting(path);
    await gateway.current();
    const other = exporting(`${path}.other`, { own: { "tools/list": { tools: [] } } });
    await using _other = other;
    await other.current();
    for (const upstream of [other.front, server().handle]) {
      using reader = reading(path, upstream);
      for (let count = 0; count < 3; count++) {
        const list = await reader.get(ask("tools/list", {}));
        assert.notEqual(list, undefined);
        await reader.get(READ);
      }
      assert.equal(reader.counts["l2 hit"], undefined);
    }
  }));

Deno.test("ExportTier leaves out what is not the same for everybody", () =>
  inFolder(async (path) => {
    const own = {
      "resources/read": {
        contents: [{ uri: "x://1", text: "t" }],
        ttlMs: 60_000,
        cacheScope: "public",
      },
    };
    await using gateway = exporting(path, { isForAll: false, own });
    await gateway.current();
    using reader = reading(path, gateway.front);
    await reader.get(ask("tools/list", {}));
    reader.asked.length = 0;
    await reader.get(ask("tools/list", {}));
    assert.equal(reader.asked.length, 1);
    assert.equal((await reader.get(READ)).contents[0].text, "t");
    assert.equal(reader.counts["l2 hit"], 1);
  }));

Deno.test("ExportTier announces what is left of a declared time", () =>
  inFolder(async (path) => {
    const declared = { tools: [{ name: "a" }], ttlMs: 60_000, cacheScope: "public" };
    await using gateway = exporting(path, { isForAll: false, own: { "tools/list": declared } });
    await gateway.current();
    using reader = reading(path, gateway.front);
    const { ttlMs: firstMs } = await reader.get(ask("tools/list", {}));
    await reader.get(ask("prompts/list", {}));
    assert.ok(firstMs <= 60_000);
    const list = await reader.get(askModern("tools/list", { cursor: undefined }));
    assert.deepEqual({ ...list, ttlMs: 0, resultType: "complete" }, {
      ...declared,
      ttlMs: 0,
      resultType: "complete",
    });
    assert.ok(list.ttlMs > 0 && list.ttlMs <= 60_000);
  }));

Deno.test("ExportTier tells memory of changes that another process was told", () =>
  inFolder(async (path) => {
    await using gateway = exporting(path);
    await gateway.current();
    using reader = reading(path, gateway.front, 60_000);
    await proved(reader);
    const before = await reader.get(READ);
    assert.equal(before.contents[0].text, "é");
    await reader.get(READ);
    assert.equal(reader.counts["l1 hit"], 1);
    gateway.answers["resources/read"] = { contents: [{ uri: "x://1", text: "new" }] };
    const told = gateway.state();
    gateway.cache.hear(notification("notifications/resources/updated", { uri: "x://1" }));
    await told;
    assert.equal((await reader.get(READ)).contents[0].text, "new");
    const again = gateway.current();
    await again;
    assert.equal((await reader.get(READ)).contents[0].text, "new");
  }));

Deno.test("ExportTier forgets with everybody what a tool may have changed", () =>
  inFolder(async (path) => {
    await using gateway = exporting(path);
    await gateway.current();
    using reader = reading(path, gateway.front, 60_000);
    using actor = reading(path, gateway.front, 60_000);
    await proved(reader);
    await reader.get(READ);
    const told = gateway.state();
    gateway.answers["resources/read"] = { contents: [{ uri: "x://1", text: "written" }] };
    await actor.get(ask("tools/call", { name: "write" }));
    await told;
    assert.equal((await reader.get(READ)).contents[0].text, "written");
  }));

Deno.test("ExportTier answers nothing from a file that is no export, or is gone", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "no export");
    const { handle } = server();
    using reader = reading(path, handle);
    for (let count = 0; count < 2; count++) await reader.get(READ);
    await Deno.remove(path);
    await reader.get(READ);
    assert.equal(reader.counts["l2 hit"], undefined);
    assert.equal(reader.asked.length, 3);
  }));
