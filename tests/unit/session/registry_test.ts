import assert from "node:assert/strict";
import type { RequestInfo } from "../../../lib/core/connection.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { ANONYMOUS } from "../../../lib/core/identity.ts";
import { SessionRegistry } from "../../../lib/session/registry.ts";

function from(address: string, principal = ""): RequestInfo {
  const request = { transport: "http", address, header: () => undefined };
  return principal === ""
    ? request
    : { ...request, identity: { ...ANONYMOUS, proof: "api_key", principal } };
}

function isTooMany(error: unknown): boolean {
  return error instanceof GatewayError && error.failure === "RateLimited" && error.status === 429;
}

Deno.test("SessionRegistry bounds the sessions of a principal, whatever its addresses", () => {
  using sessions = new SessionRegistry({ sessionsPerAccountMax: 2 });
  const first = sessions.open(from("127.0.0.1:1", "alice"));
  sessions.open(undefined, from("203.0.113.1:2", "alice"));
  assert.throws(() => sessions.open(from("203.0.113.9:2", "alice")), isTooMany);
  sessions.open(from("127.0.0.1:1", "bob"));
  sessions.end(first);
  sessions.end(first);
  sessions.open(from("127.0.0.1:1", "alice"));
  assert.throws(() => sessions.open(from("127.0.0.1:1", "alice")), isTooMany);
});

Deno.test("SessionRegistry bounds the sessions of an address, except of this machine", () => {
  using sessions = new SessionRegistry({ sessionsPerAccountMax: 2 });
  for (let i = 0; i < 10; i++) sessions.open(from(`127.0.0.1:${i}`));
  for (let i = 0; i < 2; i++) sessions.open(from(`203.0.113.1:${i}`));
  assert.throws(() => sessions.open(from("203.0.113.1:7")), isTooMany);
  sessions.open(from("203.0.113.2:7"));
  sessions.limit({ sessionsMax: 100, sessionsPerAccountMax: 3, sessionIdleMs: 60_000 });
  sessions.open(from("203.0.113.1:7"));
  assert.equal(sessions.size, 14);
});

Deno.test("SessionRegistry forgets accounts whose sessions have ended", () => {
  using sessions = new SessionRegistry({ sessionsPerAccountMax: 1 });
  for (let round = 0; round < 3; round++) {
    const open = Array.from({ length: 100 }, (_, i) => sessions.open(from(`203.0.113.${i}:1`)));
    for (const session of open) sessions.end(session);
  }
  assert.equal(sessions.size, 0);
});

Deno.test("SessionRegistry gives 100,000 ids without a repeat, an order or a common beginning", () => {
  const count = 100_000;
  using sessions = new SessionRegistry({ sessionsMax: count });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const session = sessions.open();
    ids.push(session.id);
    sessions.end(session);
  }
  assert.equal(new Set(ids).size, count);
  assert.ok(ids.every((id) => /^[0-9a-f]{36}$/.test(id)), "144 bits of visible ASCII");
  // 16 digits at each of 36 places, each about 6250 times: 6 standard deviations are 460.
  for (let place = 0; place < 36; place++) {
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id[place], (counts.get(id[place]) ?? 0) + 1);
    for (const [digit, seen] of counts) {
      assert.ok(Math.abs(seen - count / 16) < 460, `${digit} at ${place}: ${seen}`);
    }
  }
  const rises = ids.filter((id, i) => i > 0 && id > ids[i - 1]).length;
  assert.ok(Math.abs(rises - count / 2) < 1000, `${rises} of them come after the one before`);
  const beginnings = new Set(ids.map((id) => id.slice(0, 8)));
  assert.ok(beginnings.size > count - 100, "nothing of the time or a counter leads them");
});
