import assert from "node:assert/strict";
import { Hono } from "hono";
import {
  type AdminAccess,
  type AdminEnv,
  adminGuard,
  type AdminPeer,
} from "../../../lib/admin/guard.ts";

const TOKEN = "an-operators-token";
const LOCAL: AdminPeer = { address: "127.0.0.1", isLocal: true };
const REMOTE: AdminPeer = { address: "10.0.0.9", isLocal: false };

function guarded(hasTokens: boolean, refused: readonly string[] = []) {
  const failed: string[] = [];
  const access: AdminAccess = {
    hasTokens: () => hasTokens,
    isToken: (text) => text === TOKEN,
    isRefused: (address) => refused.includes(address),
    failed: (address) => void failed.push(address),
  };
  const app = new Hono<AdminEnv>();
  app.use(adminGuard(access));
  app.all("/", (c) => c.text("shown"));
  const ask = async (
    peer: AdminPeer | undefined,
    headers: Record<string, string> = {},
    method = "GET",
  ) => (await app.request("/", { method, headers }, { peer })).status;
  return { ask, failed };
}

Deno.test("adminGuard() answers only this machine when there is no token", async () => {
  const { ask } = guarded(false);
  assert.equal(await ask(LOCAL), 200);
  assert.equal(await ask(REMOTE), 403);
  assert.equal(await ask(undefined), 403);
  assert.equal(await ask(REMOTE, { authorization: `Bearer ${TOKEN}` }), 403);
});

Deno.test("adminGuard() asks everybody for a token when there is one, and tells who shows a wrong one", async () => {
  const { ask, failed } = guarded(true, ["10.6.6.6"]);
  assert.equal(await ask(LOCAL), 401);
  assert.equal(await ask(REMOTE, { authorization: `Bearer ${TOKEN}` }), 200);
  assert.equal(await ask(REMOTE, { authorization: `bearer ${TOKEN}` }), 200);
  assert.equal(await ask(REMOTE, { "x-api-key": TOKEN }), 200);
  assert.deepEqual(failed, []);
  assert.equal(await ask(REMOTE, { authorization: "Bearer guess" }), 401);
  assert.equal(await ask(REMOTE, { authorization: `Basic ${TOKEN}` }), 401);
  assert.deepEqual(failed, [REMOTE.address]);
  const suspected = { address: "10.6.6.6", isLocal: false };
  assert.equal(await ask(suspected, { authorization: `Bearer ${TOKEN}` }), 403);
});

Deno.test("adminGuard() never answers pages of other sites", async () => {
  const proof = { authorization: `Bearer ${TOKEN}` };
  for (const hasTokens of [true, false]) {
    const { ask } = guarded(hasTokens);
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:8080"]) {
      assert.equal(await ask(LOCAL, { ...proof, origin }), 403);
    }
    for (const site of ["cross-site", "same-site"]) {
      assert.equal(await ask(LOCAL, { ...proof, "sec-fetch-site": site }), 403);
    }
    assert.equal(await ask(LOCAL, { ...proof, "sec-fetch-site": "same-origin" }), 200);
  }
});

Deno.test("adminGuard() takes changes only with a header that foreign pages cannot send", async () => {
  const { ask } = guarded(false);
  for (const method of ["POST", "PUT", "DELETE"]) {
    assert.equal(await ask(LOCAL, {}, method), 403);
    assert.equal(await ask(LOCAL, { "x-sluice-admin": "1" }, method), 200);
  }
  assert.equal(await guarded(true).ask(REMOTE, { authorization: `Bearer ${TOKEN}` }, "POST"), 200);
});
