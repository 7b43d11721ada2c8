import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import { Message } from "../../../lib/core/message.ts";
import { innerCall, search, SEARCH_ITEMS, searchAnswer } from "../../../lib/router/search_tool.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { memoryAggregate } from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const tool = (name: string, description: string) =>
  encoder.encode(JSON.stringify({ name, description }));
const TOOLS = [
  tool("files__read", "Reads a file"),
  tool("files__write", "Writes a file, after it was read"),
  tool("mail__send", "Sends a letter"),
];
// deno-lint-ignore no-explicit-any -- what a tool holds
const names = (tools: any[]) => tools.map(({ name }) => name);
const found = (query: string) =>
  names(search(query, TOOLS).map((raw) => JSON.parse(decoder.decode(raw))));

Deno.test("search() finds tools by words, best first", () => {
  assert.deepEqual(found("read file"), ["files__read", "files__write"]);
  assert.deepEqual(found("WRITE!"), ["files__write"]);
  assert.deepEqual(found("letter"), ["mail__send"]);
  for (const query of ["", "???", "nothing"]) assert.deepEqual(found(query), []);
});

Deno.test("searchAnswer() refuses what is no query", () => {
  for (const args of [{}, { query: 1 }, { query: "x", limit: 0 }, { query: "x", limit: 51 }]) {
    const message = request(1, "tools/call", { name: "x", arguments: args });
    assert.throws(() => searchAnswer(message, TOOLS), { code: -32602 });
  }
});

Deno.test("innerCall() keeps the arguments byte for byte", () => {
  const text = (name: string, args: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${name},"arguments":${args}}}`;
  const args = '{"n":1.0, "é":"\\u00e9"}';
  const outer = text('"sluice__call_tool"', `{"name":"a__t","arguments":${args}}`);
  const inner = innerCall(Message.from(encoder.encode(outer)));
  assert.equal(decoder.decode(inner.bytes), text('"a__t"', args));
  assert.throws(() => innerCall(request(1, "tools/call", { name: "x" })), { code: -32602 });
});

async function ask(client: Peer, method: string, params?: unknown) {
  client.send(request(method, method, params));
  return (await bounded(client.next(), method))!.json();
}

Deno.test("very many tools are found and called through two", async () => {
  const tools = Array.from({ length: 101 }, (_, i) => `tool_${i}`);
  await using gateway = await memoryAggregate({ a: { tools }, b: { tools: ["special"] } }, {
    searchTool: true,
  });
  const client = gateway.connect();
  await client.initialize();
  const { result } = await ask(client, "tools/list");
  assert.deepEqual(result.tools, SEARCH_ITEMS.map((raw) => JSON.parse(decoder.decode(raw))));
  const search = { name: "sluice__search_tools", arguments: { query: "special" } };
  const { structuredContent } = (await ask(client, "tools/call", search)).result;
  assert.deepEqual(names(structuredContent.tools), ["b__special"]);
  const through = { name: "b__special", arguments: { x: 1 } };
  const called = await ask(client, "tools/call", { name: "sluice__call_tool", arguments: through });
  assert.deepEqual(
    [called.result.from, called.result.params.name, called.result.params.arguments],
    [
      ...["b", "special", { x: 1 }],
    ],
  );
  assert.equal((await ask(client, "tools/call", through)).result.from, "b", "also directly");
});

Deno.test("few tools are listed, search tool or not", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["t"] }, b: {} }, { searchTool: true });
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(names((await ask(client, "tools/list")).result.tools), ["a__t"]);
});
