import assert from "node:assert/strict";
import { request } from "../../../../lib/core/compose.ts";
import { MODERN, modern } from "../../../fixtures/modern_http_server.ts";
import { withModernScene } from "../../../fixtures/modern_scene.ts";

const INITIALIZE = request(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {} });

Deno.test("a modern request carries version, method and name as headers", async () => {
  await withModernScene(async ({ server, send, next }) => {
    const asked = [
      modern(1, "tools/call", { name: "echo", arguments: {} }),
      modern(2, "prompts/get", { name: "größe" }),
      modern(3, "resources/read", { uri: "test://x y" }),
      modern(4, "tools/call", { name: "=?base64?eA==?=" }),
      modern(5, "tools/list", { name: "none", uri: "none" }),
    ];
    for (const message of asked) {
      await send(message);
      const received = await server.next();
      assert.equal(received.text, new TextDecoder().decode(message.bytes));
      received.result({ resultType: "complete" });
      assert.deepEqual((await next()).id, message.id);
    }
    assert.deepEqual(
      server.received.map(({ headers }) => [headers["mcp-method"], headers["mcp-name"]]),
      [
        ["tools/call", "echo"],
        ["prompts/get", "=?base64?Z3LDtsOfZQ==?="],
        ["resources/read", "test://x y"],
        ["tools/call", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="],
        ["tools/list", undefined],
      ],
    );
    for (const { headers } of server.received) {
      assert.equal(headers["mcp-protocol-version"], MODERN);
      assert.equal(headers.accept, "application/json, text/event-stream");
    }
  });
});

Deno.test("a modern request never carries a session, and a legacy one still does", async () => {
  await withModernScene(
    async ({ server, send, next }) => {
      await send(INITIALIZE);
      const result = { protocolVersion: "2025-11-25", capabilities: {} };
      (await server.next()).result(result, { "mcp-session-id": "learned" });
      await next();
      for (const message of [modern(1, "tools/list"), request(2, "tools/list")]) {
        await send(message);
        (await server.next()).result({ tools: [] });
        await next();
      }
      const [, single, ofSession] = server.received.map(({ headers }) => headers);
      assert.equal(single["mcp-protocol-version"], MODERN);
      assert.equal(single["mcp-session-id"], undefined);
      assert.equal(single["last-event-id"], undefined);
      assert.equal(ofSession["mcp-session-id"], "learned");
      assert.equal(ofSession["mcp-protocol-version"], "2025-11-25");
      assert.equal(ofSession["mcp-method"], undefined);
    },
    {},
    { "Mcp-Session-Id": "configured", "Last-Event-ID": "configured" },
  );
});

Deno.test("headers of a client behind the gateway are added, and replace nothing", async () => {
  await withModernScene(
    async ({ server, send, next }) => {
      const headers = {
        "mcp-param-region": "eu",
        "mcp-param-fixed": "client",
        "mcp-method": "evil",
        "authorization": "evil",
        "transfer-encoding": "chunked",
      };
      await send(modern(1, "tools/call", { name: "x" }).withContext({ headers }));
      const received = await server.next();
      received.result({});
      await next();
      assert.equal(received.headers["mcp-param-region"], "eu");
      assert.equal(received.headers["mcp-param-fixed"], "configured");
      assert.equal(received.headers["mcp-method"], "tools/call");
      assert.equal(received.headers.authorization, "configured");
      assert.equal(received.headers["transfer-encoding"], undefined);
    },
    {},
    { "Mcp-Param-Fixed": "configured", "Authorization": "configured" },
  );
});

Deno.test("a method that fits into no header is refused before anything is sent", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern(1, "größe"));
    assert.equal((await next()).json().error.code, -32600);
    assert.equal(server.received.length, 0);
  });
});

Deno.test("a request is sent once, however its kept connection ends", async () => {
  await withModernScene(async ({ server, send, next }) => {
    for (const asked of [request(1, "tools/call"), modern(2, "tools/call", { name: "x" })]) {
      await send(modern(0, "tools/list"));
      (await server.next()).result({ tools: [] });
      await next();
      await send(asked);
      (await server.next()).break();
      assert.deepEqual((await next()).json().error.data, { outcome: "unknown" });
    }
    await send(modern(3, "tools/list"));
    (await server.next()).result({ tools: [] });
    await next();
    assert.deepEqual(server.received.map(({ body }) => body.id), [0, 1, 0, 2, 3]);
  });
});

Deno.test("a modern stream that breaks before the answer leaves the outcome unknown, and is not resumed", async () => {
  await withModernScene(async ({ server, send, next }) => {
    for (const how of ["break", "end"] as const) {
      await send(modern(how, "tools/call", { name: "x" }));
      const received = await server.next();
      received.stream();
      received.write(`id: 7\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`);
      assert.equal((await next()).method, "notifications/message");
      received[how]();
      const { id, error } = (await next()).json();
      assert.deepEqual([id, error.code, error.data], [how, -31001, { outcome: "unknown" }]);
    }
    assert.deepEqual(server.received.map(({ httpMethod }) => httpMethod), ["POST", "POST"]);
  });
});

Deno.test("a JSON-RPC error under any status is the answer to a modern request", async () => {
  await withModernScene(async ({ server, send, next }) => {
    const cases = [[400, -32022], [404, -32601], [400, -32021], [500, -32603]];
    for (const [status, code] of cases) {
      await send(modern(status, "tools/list"));
      (await server.next()).error(status, code);
      const { id, error } = (await next()).json();
      assert.deepEqual([id, error.code], [status, code]);
    }
    await send(modern(9, "tools/list"));
    (await server.next()).respond(404, "not here", { "content-type": "text/plain" });
    const { error } = (await next()).json();
    assert.deepEqual([error.code, error.data], [-31001, { outcome: "unknown", status: 404 }]);
  });
});

Deno.test("messages on the stream of a request tell which request that is", async () => {
  await withModernScene(async ({ server, send, next }) => {
    for (const asked of [modern("a", "tools/call"), request(2, "tools/call")]) {
      await send(asked);
      const received = await server.next();
      const { id } = received.body;
      received.stream(
        { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1 } },
        { jsonrpc: "2.0", id: 1, method: "roots/list" },
        { jsonrpc: "2.0", id, result: {} },
      );
      received.end();
      const raw = idOf(asked.id);
      assert.equal(idOf((await next()).context?.cause), raw);
      assert.equal(idOf((await next()).context?.cause), raw);
      assert.equal((await next()).context, undefined);
    }
  });
});

function idOf(raw: Uint8Array | undefined): string | undefined {
  return raw && new TextDecoder().decode(raw);
}
