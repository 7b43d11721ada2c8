import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { degradable, degradedBy } from "../../../lib/policy/degraded.ts";
import { callOf } from "./calls.ts";

const LIMITS = { errorRate: 0.5, bufferShare: 0.9 };
const CALM = { errorRate: 0, calls: 100, bufferShare: 0 };

Deno.test("degradedBy() sees strain in failures, from 20 calls on, and in memory", () => {
  assert.equal(degradedBy(CALM, LIMITS, false), undefined);
  assert.equal(degradedBy({ ...CALM, errorRate: 0.5 }, LIMITS, false), "errors");
  assert.equal(degradedBy({ ...CALM, errorRate: 1, calls: 19 }, LIMITS, false), undefined);
  assert.equal(degradedBy({ ...CALM, bufferShare: 0.9 }, LIMITS, false), undefined);
  assert.equal(degradedBy({ ...CALM, bufferShare: 0.91 }, LIMITS, false), "memory");
});

Deno.test("degradedBy() wants strain to be a fifth below the border before it is over", () => {
  assert.equal(degradedBy({ ...CALM, errorRate: 0.4 }, LIMITS, false), undefined);
  assert.equal(degradedBy({ ...CALM, errorRate: 0.4 }, LIMITS, true), "errors");
  assert.equal(degradedBy({ ...CALM, errorRate: 0.39 }, LIMITS, true), undefined);
  assert.equal(degradedBy({ ...CALM, bufferShare: 0.73 }, LIMITS, true), "memory");
  assert.equal(degradedBy({ ...CALM, bufferShare: 0.71 }, LIMITS, true), undefined);
});

/** A server that fails as long as it is told to, behind degraded mode. */
function scene() {
  const it = { nowMs: 1000, isDown: false, bufferShare: 0, shed: 0 };
  const changes: unknown[] = [];
  const handler = degradable({
    limits: LIMITS,
    methods: ["tools/call", "ping"],
    windowMs: 10_000,
    holdMs: 5000,
    bufferShare: () => it.bufferShare,
    onChange: (why) => changes.push(why),
    onShed: () => it.shed++,
    nowMs: () => it.nowMs,
  })((call) =>
    it.isDown
      ? Promise.reject(new GatewayError("UpstreamUnavailable", "Cannot reach it: down"))
      : Promise.resolve(result(call.message.id!, {}))
  );
  const ask = async (method: string): Promise<number> => {
    try {
      await handler(callOf(method));
      return 0;
    } catch (error) {
      if ((error as GatewayError).code === -31005) {
        assert.match((error as GatewayError).headers["retry-after"], /^[1-5]$/);
        assert.equal((error as GatewayError).status, 503);
      }
      return (error as GatewayError).code;
    }
  };
  return { it, changes, ask };
}

Deno.test("degradable() sheds all but what stays on while servers fail, and ends when they are back", async () => {
  const { it, changes, ask } = scene();
  it.isDown = true;
  for (let i = 0; i < 20; i++) assert.equal(await ask("resources/read"), -31001);
  assert.equal(await ask("resources/read"), -31005);
  assert.equal(await ask("tools/call"), -31001);
  assert.equal(it.shed, 1);
  it.isDown = false;
  for (let i = 0; i < 100; i++) assert.equal(await ask("tools/call"), 0);
  assert.equal(await ask("resources/read"), -31005); // it lasts for a while
  it.nowMs += 5000;
  assert.equal(await ask("resources/read"), 0);
  assert.deepEqual(changes, ["errors", undefined]);
});

Deno.test("degradable() is over when nothing is known of failures any more", async () => {
  const { it, changes, ask } = scene();
  it.isDown = true;
  for (let i = 0; i < 20; i++) await ask("resources/read");
  assert.equal(await ask("resources/read"), -31005);
  it.isDown = false;
  it.nowMs += 20_000;
  assert.equal(await ask("resources/read"), 0);
  assert.deepEqual(changes, ["errors", undefined]);
});

Deno.test("degradable() sheds while memory is short", async () => {
  const { it, changes, ask } = scene();
  it.bufferShare = 0.95;
  assert.deepEqual([await ask("resources/read"), await ask("ping")], [-31005, 0]);
  it.nowMs += 5000;
  it.bufferShare = 0.8;
  assert.equal(await ask("resources/read"), -31005);
  it.bufferShare = 0.5;
  assert.equal(await ask("resources/read"), 0);
  assert.deepEqual(changes, ["memory", undefined]);
});
