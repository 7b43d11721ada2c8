import assert from "node:assert/strict";
import { Liveness } from "../../../../transports/websocket/liveness.ts";
import { DEFAULT_LIMITS } from "../../../../transports/websocket/options.ts";

const limits = { ...DEFAULT_LIMITS, pingIntervalMs: 30_000, pongTimeoutMs: 10_000 };

/** What is to be done at each second of `fromS..toS` that is not nothing. */
function watch(liveness: Liveness, fromS: number, toS: number, isPaused = false): string[] {
  const deeds: string[] = [];
  for (let s = fromS; s <= toS; s++) {
    const verdict = liveness.look(s * 1000, isPaused);
    if (verdict !== "fine") deeds.push(`${s} ${verdict}`);
    if (verdict === "gone") break;
  }
  return deeds;
}

Deno.test("Liveness gives a silent peer up after its second missed ping", () => {
  const liveness = new Liveness(limits, 0);
  assert.deepEqual(watch(liveness, 0, 100), ["30 ping", "40 ping", "50 gone"]);
});

Deno.test("Liveness pings a peer that answers every interval", () => {
  const liveness = new Liveness(limits, 0);
  assert.deepEqual(watch(liveness, 0, 31), ["30 ping"]);
  liveness.hear();
  assert.deepEqual(watch(liveness, 32, 61), ["60 ping"]);
  liveness.hear();
  assert.deepEqual(watch(liveness, 62, 90), ["90 ping"]);
});

Deno.test("Liveness forgets a missed ping when the peer is heard", () => {
  const liveness = new Liveness(limits, 0);
  assert.deepEqual(watch(liveness, 0, 45), ["30 ping", "40 ping"]);
  liveness.hear();
  assert.deepEqual(watch(liveness, 46, 200), ["70 ping", "80 ping", "90 gone"]);
});

Deno.test("Liveness expects nothing of a peer that is not read", () => {
  const liveness = new Liveness(limits, 0);
  assert.deepEqual(watch(liveness, 0, 100, true), ["30 ping", "60 ping", "90 ping"]);
  assert.deepEqual(watch(liveness, 101, 200), ["120 ping", "130 ping", "140 gone"]);
});
