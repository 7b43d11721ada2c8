import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { AuthorizationServer } from "../fixtures/authorization_server.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";

const CANARY = "canary-7f3a9c51e2";
const KEYED = {
  clients: {
    bot: { keys: { only: `sha256:${createHash("sha256").update(CANARY).digest("hex")}` } },
  },
};

/** An MCP server over HTTP that keeps the headers of everything it was asked. */
async function startRecorder() {
  const seen: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((req, res) => {
    seen.push(req.headers);
    let body = "";
    req.on("data", (chunk) => body += chunk).on("end", () => {
      if (req.method !== "POST") return void res.writeHead(405).end();
      const { id, method, params } = JSON.parse(body);
      if (id === undefined) return void res.writeHead(202).end();
      const result = method === "initialize"
        ? {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "recorder", version: "1" },
        }
        : { tools: [], content: [] };
      res.writeHead(200, { "content-type": "application/json" });
      res.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("nothing by which a client has proved itself reaches a server", async () => {
  await using recorder = await startRecorder();
  await using server = await AuthorizationServer.start();
  await using gateway = await GuardedGateway.start({
    upstreams: { recorder: { url: recorder.url } },
    auth: {
      ...KEYED,
      publicUrl: "https://gateway.test",
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
  });
  const token = await server.token({ sub: CANARY });
  const ways: Record<string, string>[] = [
    { "x-api-key": CANARY },
    { authorization: `Bearer ${token}` },
  ];
  const noise = {
    ...{ cookie: `id=${CANARY}`, "proxy-authorization": `Basic ${CANARY}` },
    ...{ "x-forwarded-for": "1.2.3.4", "x-forwarded-user": CANARY, "x-mcp-identity": CANARY },
  };
  for (const way of ways) {
    const session = await gateway.session({ ...way, ...noise });
    const { status } = await gateway.ask("tools/call", { name: "x", arguments: {} }, session);
    assert.equal(status, 200);
    const modern = await gateway.post({
      ...{ jsonrpc: "2.0", id: 5, method: "tools/list" },
      params: {
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    }, { ...way, ...noise, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" });
    assert.equal(modern.status, 200, modern.text);
    const id = session["mcp-session-id"];
    for (const headers of recorder.seen) {
      const text = JSON.stringify(headers);
      for (const secret of [CANARY, token, id]) assert.ok(!text.includes(secret), text);
      for (const name of Object.keys(headers)) {
        assert.ok(!/^(authorization|cookie|x-api-key|proxy-.*|x-forwarded-.*)$/.test(name), name);
      }
    }
  }
  assert.ok(recorder.seen.length >= 6);
});

Deno.test("metadata say who gives tokens and for what, on every path, to everybody", async () => {
  await using server = await AuthorizationServer.start();
  await using gateway = await GuardedGateway.start({
    auth: {
      publicUrl: "https://gateway.test",
      scopes: ["tools:read"],
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
  });
  const paths = ["", "/mcp", "/mcp/sse", "/mcp/ws"];
  for (const path of paths) {
    const answer = await fetch(gateway.url(`/.well-known/oauth-protected-resource${path}`));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.deepEqual(await answer.json(), {
      resource: `https://gateway.test${path || "/mcp"}`,
      authorization_servers: [server.issuer],
      scopes_supported: ["tools:read"],
      bearer_methods_supported: ["header"],
      resource_name: "Sluice",
    });
  }
  const post = await fetch(gateway.url("/.well-known/oauth-protected-resource"), {
    method: "POST",
  });
  assert.equal(post.status, 405);
  await post.body?.cancel();
  const refused = await gateway.post({ jsonrpc: "2.0", id: 1, method: "ping" });
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate")!, /scope="tools:read"/);
});

Deno.test("no secret shows in errors, metrics or health", async () => {
  await using gateway = await GuardedGateway.start({ auth: KEYED });
  const session = await gateway.session({ "x-api-key": CANARY });
  const wrong = await gateway.post({ jsonrpc: "2.0", id: 1, method: "ping" }, {
    authorization: `Bearer ${CANARY}x`,
  });
  const texts = [wrong.text, JSON.stringify([...wrong.headers])];
  for (const path of ["/metrics", "/health", "/ready"]) {
    texts.push(await (await fetch(gateway.url(path))).text());
  }
  for (const text of texts) {
    assert.ok(!text.includes(CANARY), text);
    assert.ok(!text.includes(session["mcp-session-id"]), text);
  }
  assert.ok(
    await gateway.metric('sluice_authentications_total{proof="api_key",outcome="admitted"}') >= 2,
  );
  assert.equal(
    await gateway.metric('sluice_authentications_total{proof="api_key",outcome="refused"}'),
    1,
  );
});

Deno.test("a body is not read, nor a session opened, before its sender is known", async () => {
  await using gateway = await GuardedGateway.start({ auth: KEYED });
  for (const body of ["x".repeat(5 * 1024 * 1024), "no json", "{}"]) {
    const { status } = await gateway.post(body);
    assert.equal(status, 401);
  }
  const flood = Array.from(
    { length: 500 },
    () => gateway.post({ jsonrpc: "2.0", id: 1, method: "initialize" }),
  );
  assert.ok((await Promise.all(flood)).every(({ status }) => status === 401));
  assert.equal(await gateway.metric("sluice_sessions"), 0);
});
