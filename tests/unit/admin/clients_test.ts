import assert from "node:assert/strict";
import { clientViews, isNamed } from "../../../lib/admin/client_view.ts";
import { clientHash, Clients, type LiveSession, TRACES_MAX } from "../../../lib/admin/clients.ts";
import type { Call } from "../../../lib/core/handler.ts";

const SECRET_ID = "a-session-id-that-nobody-may-see";

function sessionOf(id: string, part: Partial<LiveSession> = {}): LiveSession {
  return {
    ...{ id, isSessionless: false, protocolVersion: "2025-06-18", callsInFlight: 0 },
    ...{ lastSeenMs: performance.now(), listening: false },
    ...part,
  } as LiveSession;
}

interface CallPart {
  readonly method?: string;
  readonly name?: string;
  readonly address?: string;
  readonly json?: unknown;
}

function callOf(
  session: LiveSession,
  { method = "ping", name, address, json }: CallPart = {},
): Call {
  const headers: Record<string, string> = { "x-client-id": "robot\u001b[31m" };
  return {
    session,
    message: { method, name, context: undefined, json: () => json },
    request: {
      transport: "http",
      address: address ?? "10.0.0.1:4711",
      header: (key: string) => headers[key],
    },
  } as unknown as Call;
}

Deno.test("Clients show sessions by a hash, with what they say of themselves made harmless", () => {
  const clients = new Clients();
  const session = sessionOf(SECRET_ID);
  const json = { params: { clientInfo: { name: "tool\n", version: "1" } } };
  clients.answered(callOf(session, { method: "initialize", json }), "ok", 1);
  clients.answered(callOf(session, { method: "tools/call", name: "x" }), "UpstreamTimeout", 30);
  const [view] = clientViews(clients, [session]);
  assert.equal(view.client, clientHash(SECRET_ID));
  assert.equal(view.software, "tool? 1");
  assert.equal(view.clientId, "robot?[31m");
  assert.deepEqual([view.calls, view.errors, view.lastMethod], [2, 1, "tools/call"]);
  assert.ok(!JSON.stringify([view, clients.errors.list()]).includes(SECRET_ID));
  for (const name of [view.client, view.clientId, "10.0.0.1:4711", "10.0.0.1"]) {
    assert.ok(isNamed(view, name!), name);
  }
  assert.ok(!isNamed(view, SECRET_ID));
  assert.deepEqual(clients.errors.list().map(({ client, outcome }) => [client, outcome]), [
    [view.client, "UpstreamTimeout"],
  ]);
});

Deno.test("Clients trace nobody until asked, then the latest calls, and stop by themselves", () => {
  let nowMs = 1_000;
  const clients = new Clients(() => nowMs);
  const session = sessionOf("one");
  clients.answered(callOf(session), "ok", 1);
  const record = clients.of(session)!;
  assert.equal(record.trace, undefined);
  assert.ok(clients.trace(record));
  for (let i = 0; i < 500; i++) {
    clients.answered(callOf(session, { method: "tools/call", name: `tool ${i}` }), "ok", i);
  }
  const calls = record.trace!.calls.list();
  assert.equal(calls.length, 200);
  assert.deepEqual(calls[0], {
    ...{ atMs: 1_000, method: "tools/call", name: "tool 499", durationMs: 499, outcome: "ok" },
  });
  nowMs += 11 * 60_000;
  clients.answered(callOf(session), "ok", 1);
  assert.equal(record.trace, undefined);
});

Deno.test("Clients trace only so many at once", () => {
  const clients = new Clients();
  const records = Array.from({ length: TRACES_MAX + 1 }, (_, i) => {
    const session = sessionOf(`${i}`);
    clients.answered(callOf(session), "ok", 1);
    return clients.of(session)!;
  });
  assert.deepEqual(records.map((one) => clients.trace(one)).indexOf(false), TRACES_MAX);
});

Deno.test("Clients without sessions are known by where they come from, and not without end", () => {
  const clients = new Clients();
  for (let i = 0; i < 3; i++) {
    clients.answered(callOf(sessionOf("", { isSessionless: true })), "ok", 1);
  }
  assert.deepEqual(clients.sessionless.map(({ calls }) => calls), [3]);
  for (let i = 0; i < 2_000; i++) {
    const address = `10.1.${i >> 8}.${i & 255}:1`;
    clients.answered(callOf(sessionOf("", { isSessionless: true }), { address }), "ok", 1);
  }
  assert.equal(clients.sessionless.length, 1_000);
});
