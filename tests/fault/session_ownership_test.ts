import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { AuthorizationServer } from "../fixtures/authorization_server.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { until } from "../fixtures/gateway_process.ts";
import { GuardedGateway, type Headers } from "../fixtures/guarded_gateway.ts";

function client(key: string) {
  return { keys: { only: `sha256:${createHash("sha256").update(key).digest("hex")}` } };
}

const AUTH = { clients: { alice: client("alice"), bob: client("bob") } };
const ALICE = { "x-api-key": "alice" }, BOB = { "x-api-key": "bob" };
const FOREIGN = 'sluice_security_events_total{type="foreign_session"}';

/** A request with a session id, in every way that there is; only what is not the id differs. */
async function answersTo(gateway: GuardedGateway, headers: Headers): Promise<string[]> {
  const post = await gateway.post({ jsonrpc: "2.0", id: 1, method: "tools/list" }, headers);
  const answers = [`${post.status} ${post.text}`];
  for (const method of ["GET", "DELETE"]) {
    const answer = await fetch(gateway.url(), {
      method,
      headers: { accept: "text/event-stream", "last-event-id": "0_0", ...headers },
    });
    answers.push(`${answer.status} ${await answer.text()}`);
  }
  return answers;
}

Deno.test("a session of another principal is as unknown as one that never was", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH });
  const alice = await gateway.session(ALICE);
  const foreign = await answersTo(gateway, { ...alice, ...BOB });
  const random = await answersTo(gateway, { ...alice, ...BOB, "mcp-session-id": "0".repeat(36) });
  assert.deepEqual(foreign, random);
  assert.ok(foreign.every((answer) => answer.startsWith("404 ")));
  assert.equal(await gateway.metric(FOREIGN), 3);
  const { "x-api-key": _, ...idOnly } = alice;
  const noKey = await answersTo(gateway, idOnly);
  assert.ok(noKey.every((answer) => answer.startsWith("401 ")), "an id alone proves nothing");
  const own = await gateway.ask("tools/list", {}, alice);
  assert.equal(own.body.result.tools.length, 3, "its owner goes on");
  const none = await gateway.post({ jsonrpc: "2.0", id: 1, method: "tools/list" }, BOB);
  assert.equal(none.status, 400, "without an id there is no session, also where others have one");
});

Deno.test("session ids are given, never taken", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH });
  const wanted = { ...ALICE, "mcp-session-id": "chosen-by-the-client" };
  const params = {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  };
  const answer = await gateway.post(
    { jsonrpc: "2.0", id: 0, method: "initialize", params },
    wanted,
  );
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get("mcp-session-id"), null);
});

Deno.test("posting to a connection of HTTP+SSE takes the credential of who opened it", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH });
  const denied = await fetch(gateway.url("/mcp/sse"), { headers: { accept: "text/event-stream" } });
  assert.equal(denied.status, 401);
  await denied.body!.cancel();
  const stream = await fetch(gateway.url("/mcp/sse"), {
    headers: { accept: "text/event-stream", ...ALICE },
  });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  const first = await bounded(reader.read(), "the endpoint event");
  const path = /data: (\S+)/.exec(first.value!)![1];
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  assert.equal((await gateway.post(ping, {}, path)).status, 401);
  assert.equal((await gateway.post(ping, BOB, path)).status, 404);
  assert.equal((await gateway.post(ping, BOB, path.replace(/=.*/, "=nobody"))).status, 404);
  assert.equal(await gateway.metric(FOREIGN), 1);
  assert.equal((await gateway.post(ping, ALICE, path)).status, 202);
  const answer = await bounded(reader.read(), "the answer to ping");
  assert.match(answer.value!, /"id":1\b/);
  await reader.cancel();
});

Deno.test("a WebSocket is opened with a credential or not at all", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH });
  const url = gateway.url("/mcp/ws").href.replace(/^http/, "ws");
  for (const headers of [{}, { "x-api-key": "nobody" }] as Headers[]) {
    const refused = new WebSocket(url, { headers });
    refused.on("error", () => {}); // told below
    const [, response] = await bounded(once(refused, "unexpected-response"), "the refusal");
    assert.equal(response.statusCode, 401);
    assert.match(response.headers["www-authenticate"], /^Bearer /);
    response.destroy();
    refused.terminate();
  }
  const open = new WebSocket(url, "mcp", { headers: ALICE });
  await bounded(once(open, "open"), "the connection");
  open.send('{"jsonrpc":"2.0","id":1,"method":"ping"}');
  const [data] = await bounded(once(open, "message"), "the answer");
  assert.match(String(data), /"id":1/);
  open.close();
  await bounded(once(open, "close"), "the end");
});

/** A gateway whose clients have tokens, and a token that is good for so long. */
async function shortLived() {
  const server = await AuthorizationServer.start();
  const gateway = await GuardedGateway.start({
    auth: {
      publicUrl: "https://gateway.test",
      clockSkewMs: 0,
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
  });
  const bearer = async (seconds: number, claims = {}) => {
    const exp = Math.floor(Date.now() / 1000) + seconds;
    return { authorization: `Bearer ${await server.token({ exp, ...claims })}` };
  };
  return {
    gateway,
    bearer,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("streams end when the token that opened them expires; the session goes on with another", async () => {
  await using scene = await shortLived();
  const { gateway, bearer } = scene;
  const first = await bearer(2);
  const session = await gateway.session(first);
  const stream = await fetch(gateway.url(), {
    headers: { ...session, accept: "text/event-stream" },
  });
  assert.equal(stream.status, 200);
  await bounded(stream.text(), "the end of the stream"); // until it ends
  assert.equal((await gateway.ask("tools/list", {}, session)).status, 401);
  const renewed = { ...session, ...await bearer(60) };
  assert.equal((await gateway.ask("tools/list", {}, renewed)).status, 200);
  const bob = { ...session, ...await bearer(60, { sub: "bob" }) };
  assert.equal((await gateway.ask("tools/list", {}, bob)).status, 404);
});

Deno.test("a WebSocket ends with 1008 when its token expires", async () => {
  await using scene = await shortLived();
  const url = scene.gateway.url("/mcp/ws").href.replace(/^http/, "ws");
  const socket = new WebSocket(url, "mcp", { headers: await scene.bearer(2) });
  await bounded(once(socket, "open"), "the connection");
  const [code] = await bounded(once(socket, "close"), "the end of the connection");
  assert.equal(code, 1008);
});

Deno.test("a connection of HTTP+SSE lasts as long as its client proves itself again", async () => {
  await using scene = await shortLived();
  const { gateway, bearer } = scene;
  const first = await bearer(2);
  const stream = await fetch(gateway.url("/mcp/sse"), {
    headers: { accept: "text/event-stream", ...first },
  });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  const path = /data: (\S+)/.exec((await reader.read()).value!)![1];
  const longer = await bearer(4);
  const ping = (headers: Headers) =>
    gateway.post({ jsonrpc: "2.0", id: 1, method: "ping" }, headers, path);
  assert.equal((await ping(longer)).status, 202);
  await until(async () => (await ping(first)).status === 401, "the end of the first token");
  assert.equal((await ping(longer)).status, 202, "it outlives the token that has opened it");
  const rest = async () => {
    while (!(await reader.read()).done);
  };
  await bounded(rest(), "the end of the stream");
});
