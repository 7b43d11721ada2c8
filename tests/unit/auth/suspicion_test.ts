import assert from "node:assert/strict";
import { ANONYMOUS } from "../../../lib/core/identity.ts";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import { DenyList } from "../../../lib/auth/deny_list.ts";
import { Gatekeeper } from "../../../lib/auth/gatekeeper.ts";
import { Suspicion, type SuspicionSettings } from "../../../lib/auth/suspicion.ts";

const SETTINGS: SuspicionSettings = {
  enabled: true,
  score: 10,
  halfLifeMs: 60_000,
  refuseMs: 30_000,
  loopback: false,
};
const BAD = "203.0.113.7:1000";

class Scene {
  nowMs = 5_000;
  readonly refused: SecurityEvent[] = [];
  readonly reported: SecurityEvent[] = [];
  readonly suspicion: Suspicion;
  readonly denied = new DenyList({ addresses: [], principals: [] });
  readonly gatekeeper: Gatekeeper;

  constructor(settings: Partial<SuspicionSettings> = {}) {
    this.suspicion = new Suspicion({ ...SETTINGS, ...settings }, {
      isProxy: (ip) => ip === "10.0.0.1",
      onRefused: (event) => this.refused.push(event),
      nowMs: () => this.nowMs,
    });
    this.gatekeeper = new Gatekeeper({
      denied: this.denied,
      suspicion: this.suspicion,
      report: (event) => this.reported.push(event),
    });
  }

  fail(times: number, event: Partial<SecurityEvent> = { address: BAD }): void {
    for (let i = 0; i < times; i++) {
      this.suspicion.note({ type: "authentication_failed", ...event });
    }
  }
}

const ALICE = { ...ANONYMOUS, proof: "jwt" as const, principal: "alice" };

Deno.test("Suspicion refuses an address that keeps failing, for its time and no longer", () => {
  const scene = new Scene();
  scene.fail(9);
  assert.equal(scene.suspicion.addressRefusedMs(BAD), 0);
  scene.fail(1);
  assert.equal(scene.suspicion.addressRefusedMs("203.0.113.7:9"), 30_000);
  assert.equal(scene.suspicion.addressRefusedMs("203.0.113.8"), 0);
  assert.deepEqual([scene.refused.length, scene.suspicion.refused], [1, 1]);
  scene.fail(5);
  assert.equal(scene.refused.length, 1, "told once");
  scene.nowMs += 30_000;
  assert.equal(scene.suspicion.addressRefusedMs(BAD), 0);
  assert.equal(scene.suspicion.refused, 0);
});

Deno.test("Suspicion fades: rare failures never add up", () => {
  const scene = new Scene();
  for (let i = 0; i < 1_000; i++) {
    scene.fail(1);
    scene.nowMs += 10_000;
  }
  assert.deepEqual([scene.refused.length, scene.suspicion.addressRefusedMs(BAD)], [0, 0]);
});

Deno.test("Suspicion leaves out this machine, believed proxies, servers, and events that say nothing", () => {
  const scene = new Scene();
  scene.fail(100, { address: "127.0.0.1:5" });
  scene.fail(100, { address: "10.0.0.1:5" });
  scene.fail(100, { address: "stdin" });
  scene.fail(100, {});
  scene.fail(100, { address: BAD, upstream: "u" });
  scene.fail(100, { address: BAD, type: "rate_limited" });
  scene.fail(100, { address: BAD, type: "too_many_connections" });
  assert.ok(scene.suspicion.isEmpty);
  const strict = new Scene({ loopback: true });
  strict.fail(10, { address: "127.0.0.1:5" });
  assert.equal(strict.suspicion.addressRefusedMs("127.0.0.1:6"), 30_000);
  const off = new Scene({ enabled: false });
  off.fail(100);
  assert.ok(off.suspicion.isEmpty);
});

Deno.test("Gatekeeper holds a principal's events against the principal, not against its neighbours", () => {
  const scene = new Scene();
  scene.fail(10, { type: "access_denied", address: BAD, principal: "alice" });
  scene.fail(10, { type: "access_denied", address: BAD, principal: "alice" });
  assert.equal(scene.gatekeeper.refusalOf({ address: BAD }), undefined);
  assert.equal(scene.gatekeeper.refusesAddress(BAD), false);
  assert.equal(
    scene.gatekeeper.refusalOf({ address: BAD }, { ...ALICE, principal: "bob" }),
    undefined,
  );
  const refusal = scene.gatekeeper.refusalOf({ address: "198.51.100.1:1" }, ALICE);
  assert.equal(refusal?.code, -31009);
  assert.equal(refusal.headers["retry-after"], "30");
  assert.deepEqual(scene.reported.map(({ type }) => type), ["suspicious_client"]);
});

Deno.test("Gatekeeper does not shut an address out where a principal has been proved", () => {
  const scene = new Scene();
  scene.fail(1);
  assert.equal(scene.gatekeeper.refusalOf({ address: BAD }, ALICE), undefined);
  scene.fail(100);
  assert.equal(scene.gatekeeper.refusesAddress(BAD), false);
  assert.equal(scene.gatekeeper.refusalOf({ address: BAD }), undefined);
  scene.nowMs += 11 * 60_000;
  scene.fail(100);
  assert.equal(scene.gatekeeper.refusesAddress(BAD), true);
});

Deno.test("Gatekeeper refuses who is on the deny list, and nobody once it is another", () => {
  const scene = new Scene();
  scene.denied.configure({
    addresses: ["203.0.113.0/24", "2001:db8::/32", "198.51.100.9"],
    principals: ["alice"],
  });
  for (const address of [BAD, "[2001:db8:1::1]:5", "198.51.100.9", "::ffff:203.0.113.1"]) {
    assert.equal(scene.gatekeeper.refusesAddress(address), true, address);
    assert.equal(scene.gatekeeper.refusalOf({ address })?.status, 403);
    assert.equal(
      scene.gatekeeper.refusalOf({ address }, { ...ALICE, principal: "bob" })?.code,
      -31009,
    );
  }
  for (const address of ["203.0.114.1:1", "[2001:db9::1]:5", "198.51.100.90", "stdin"]) {
    assert.equal(scene.gatekeeper.refusesAddress(address), false, address);
    assert.equal(scene.gatekeeper.refusalOf({ address }), undefined);
    assert.equal(scene.gatekeeper.refusalOf({ address }, ALICE)?.code, -31009);
  }
  assert.ok(scene.reported.every(({ type }) => type === "denied_address"));
  scene.denied.configure({ addresses: [], principals: [] });
  assert.equal(scene.gatekeeper.refusalOf({ address: BAD }, ALICE), undefined);
});

Deno.test("Suspicion remembers no more accounts than it may, and forgets the quiet ones", () => {
  const scene = new Scene();
  scene.fail(10);
  for (let i = 0; i < 30_000; i++) {
    scene.fail(1, { address: `198.${18 + (i >> 16)}.${i >> 8 & 255}.${i & 255}` });
  }
  assert.equal(scene.suspicion.addressRefusedMs(BAD), 30_000, "who is refused is kept");
  assert.ok(scene.suspicion.size <= 10_000);
  scene.nowMs += 3_600_000;
  for (let i = 0; i < 3_000; i++) scene.fail(1, { address: "203.0.113.9" });
  assert.ok(scene.suspicion.size < 10);
});
