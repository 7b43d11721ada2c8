import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import type { Call } from "../../../lib/core/handler.ts";
import { ExportFeed } from "../../../lib/cache/export_feed.ts";
import type { ExportEntry } from "../../../lib/shm/entry.ts";

type Entry = Omit<ExportEntry, "type">;

function text(data: Uint8Array | string): string {
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

/** A server with two pages of tools, and where its export goes; `written` tells of the next part. */
function scene(results: Record<string, unknown> = {}) {
  const written: Record<string, readonly Entry[]> = {};
  const methods: string[] = [];
  let next = Promise.withResolvers<string>();
  let told: Call | undefined;
  const answers: Record<string, (params: Record<string, unknown>) => unknown> = {
    "initialize": () => ({ capabilities: { tools: { listChanged: true } } }),
    "tools/list": ({ cursor }) =>
      cursor === undefined
        ? { tools: [{ name: "a", inputSchema: {} }], nextCursor: "2" }
        : { tools: [{ name: "b" }] },
    "prompts/list": () => ({ prompts: [{ name: "p" }] }),
    "resources/list": () => ({ resources: [{ uri: "x://1", name: "one" }, { uri: "y://2" }] }),
    "resources/read": ({ uri }) => ({ contents: [{ uri, text: `text of ${uri}` }] }),
  };
  const feed = new ExportFeed({
    handler: (call) => {
      const { method, id } = call.message;
      methods.push(method!);
      told = call;
      if (call.message.kind !== "request") return Promise.resolve(undefined);
      const value = results[method!] ?? answers[method!](call.message.json().params ?? {});
      return Promise.resolve(result(id!, value));
    },
    target: {
      replace(type, entries) {
        written[type] = entries;
        next.resolve(type);
      },
    },
    version: "1",
    instance: "i",
    isForAll: true,
    resources: ["x://*"],
    onProblem: (reason) => assert.fail(reason),
  });
  /** Resolves when a part has been written. */
  async function wait(part: string): Promise<void> {
    while (await next.promise !== part) next = Promise.withResolvers();
    next = Promise.withResolvers();
  }
  return { feed, written, methods, wait, tell: () => told!.session };
}

Deno.test("ExportFeed exports capabilities, all pages of the lists, and the resources that are named", async () => {
  const { feed, written, wait } = scene();
  await using _feed = feed;
  await wait("resource");
  assert.deepEqual(written.capability.map(({ key }) => key), [
    "tools",
    "sluice/state",
    "sluice/prompts", // tools have two pages: what was one list upstream must be one here
  ]);
  assert.deepEqual(written.tool.map(({ key }) => key), ["a", "b"]);
  assert.equal(text(written.tool[0].data), '{"name":"a","inputSchema":{}}');
  assert.deepEqual(written.prompt.map(({ key }) => key), ["p"]);
  assert.deepEqual(written.resource.map(({ key, data }) => [key, data]), [
    ["x://1", "text of x://1"],
  ]);
});

Deno.test("ExportFeed reads again only what changed", async () => {
  const { feed, methods, wait, tell } = scene();
  await using _feed = feed;
  await wait("resource");
  methods.length = 0;
  const told = wait("prompt");
  await tell().notify(notification("notifications/prompts/list_changed"));
  await told;
  assert.deepEqual(methods, ["prompts/list"]);
});

Deno.test("ExportFeed exports nothing that a server calls private", async () => {
  const list = { tools: [{ name: "secret" }], cacheScope: "private", ttlMs: 1000 };
  const { feed, written, wait } = scene({ "tools/list": list });
  await using _feed = feed;
  await wait("resource");
  assert.deepEqual(written.tool, []);
});
