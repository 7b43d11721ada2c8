import assert from "node:assert/strict";
import { cancelled, modern, type ReceivedRequest } from "../../../fixtures/modern_http_server.ts";
import { withModernScene } from "../../../fixtures/modern_scene.ts";

function toolAsking(header: string, type = "string"): object {
  const region = { type, "x-mcp-header": header };
  return { name: "query", inputSchema: { type: "object", properties: { region } } };
}

const CALL = modern(7, "tools/call", { name: "query", arguments: { region: "größe" } });
const VALUE = "=?base64?Z3LDtsOfZQ==?=";

function listed(request: ReceivedRequest, ...tools: object[]): void {
  assert.equal(request.body.method, "tools/list");
  request.result({ tools });
}

Deno.test("a call has the headers that the list asked for", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern(1, "tools/list"));
    listed(await server.next(), toolAsking("Region"));
    assert.equal((await next()).json().result.tools.length, 1);
    await send(CALL);
    const received = await server.next();
    assert.equal(received.headers["mcp-param-region"], VALUE);
    received.result({});
    await next();
  });
});

Deno.test("tools with bad annotations are not passed on, in JSON and in streams", async () => {
  await withModernScene(async ({ server, refused, send, next }) => {
    const bad = { ...toolAsking("Bad", "number"), name: "bad" };
    await send(modern(1, "tools/list"));
    listed(await server.next(), bad, toolAsking("Region"));
    const [one] = (await next()).json().result.tools;
    assert.equal(one.name, "query");
    await send(modern(2, "tools/list"));
    const received = await server.next();
    received.stream({ jsonrpc: "2.0", id: 2, result: { tools: [bad] } });
    received.end();
    assert.deepEqual((await next()).json().result.tools, []);
    assert.equal(refused.length, 1);
    assert.match(refused[0], /^Cannot offer tool "bad": /);
  });
});

Deno.test("a call refused for its headers is sent once more when the list asks for others", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(CALL);
    const first = await server.next();
    assert.equal(first.headers["mcp-param-region"], undefined);
    first.error(400, -32020);
    const page = await server.next();
    assert.deepEqual(page.body.params, { _meta: first.body.params._meta });
    assert.equal(page.headers["mcp-method"], "tools/list");
    page.result({ tools: [], nextCursor: "two" });
    const nextPage = await server.next();
    assert.equal(nextPage.body.params.cursor, "two");
    nextPage.stream({ jsonrpc: "2.0", method: "notifications/message" });
    nextPage.stream({ jsonrpc: "2.0", id: nextPage.body.id, result: { tools: [toolAsking("R")] } });
    nextPage.end();
    const second = await server.next();
    assert.equal(second.headers["mcp-param-r"], VALUE);
    assert.equal(second.text, first.text);
    second.result({ done: true });
    assert.deepEqual((await next()).json(), { jsonrpc: "2.0", id: 7, result: { done: true } });
  });
});

Deno.test("the second refusal of a call is its answer", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(CALL);
    (await server.next()).error(400, -32020, "first");
    listed(await server.next(), toolAsking("R"));
    (await server.next()).error(400, -32020, "second");
    const { id, error } = (await next()).json();
    assert.deepEqual([id, error.code, error.message], [7, -32020, "second"]);
    assert.equal(server.received.length, 3);
  });
});

Deno.test("a refusal stands when the list changes nothing, or is not to be had", async () => {
  const lists: ((request: ReceivedRequest) => void)[] = [
    (request) => listed(request),
    (request) => request.error(404, -32601),
    (request) => request.error(200, -32603),
    (request) => request.break(),
    (request) => request.respond(200, "no JSON"),
  ];
  await withModernScene(async ({ server, send, next }) => {
    for (const answer of lists) {
      await send(CALL);
      (await server.next()).error(400, -32020);
      answer(await server.next());
      const { id, error } = (await next()).json();
      assert.deepEqual([id, error.code], [7, -32020]);
    }
    assert.equal(server.received.length, 2 * lists.length);
  });
});

Deno.test("calls that are refused together share one list", async () => {
  await withModernScene(async ({ server, send, next }) => {
    const calls = [1, 2, 3].map((id) =>
      modern(id, "tools/call", { name: "query", arguments: { region: "eu" } })
    );
    await send(...calls);
    const refused = [await server.next(), await server.next(), await server.next()];
    refused[0].error(400, -32020);
    const list = await server.next();
    refused[1].error(400, -32020);
    refused[2].error(400, -32020);
    await send(modern(4, "prompts/list")); // comes after the refusals
    (await server.next()).result({});
    assert.equal((await next()).json().id, 4);
    listed(list, toolAsking("Region"));
    for (let i = 0; i < 3; i++) {
      const again = await server.next();
      assert.equal(again.headers["mcp-param-region"], "eu");
      again.result({});
      await next();
    }
  });
});

Deno.test("a call that was cancelled meanwhile is not sent again", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(CALL);
    (await server.next()).error(400, -32020);
    const list = await server.next();
    await send(cancelled(7));
    listed(list, toolAsking("Region"));
    await send(modern(8, "tools/list"));
    listed(await server.next());
    assert.equal((await next()).json().id, 8);
    assert.equal(server.received.length, 3);
  });
});

Deno.test("a call of a client that sent its own headers is judged by the server alone", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern(1, "tools/list"));
    listed(await server.next(), toolAsking("Region"));
    await next();
    await send(CALL.withContext({ headers: {} }));
    const received = await server.next();
    assert.equal(received.headers["mcp-param-region"], undefined);
    received.error(400, -32020);
    assert.equal((await next()).json().error.code, -32020);
    assert.equal(server.received.length, 2);
  });
});
