import assert from "node:assert/strict";
import { MemberStats } from "../../../../lib/upstream/pool/member_stats.ts";

Deno.test("end() averages answers, and failures apart from them", () => {
  const stats = new MemberStats(3, 0);
  stats.begin();
  stats.end(100, false, 0);
  assert.equal(stats.latencyMs, 100);
  stats.begin();
  stats.end(200, false, 0);
  assert.equal(stats.latencyMs, 110);
  stats.begin();
  stats.end(5, true, 0);
  assert.equal(stats.latencyMs, 110);
  assert.ok(Math.abs(stats.errorRate - 0.1) < 1e-9);
  assert.deepEqual([stats.calls, stats.pending, stats.index], [3, 0, 3]);
});

Deno.test("end() believes the newest more, the longer there was nothing", () => {
  const stats = new MemberStats(0, 0);
  stats.begin();
  stats.end(1000, false, 0);
  stats.begin();
  stats.end(10, false, 100_000);
  assert.ok(stats.latencyMs < 11, `${stats.latencyMs} ms`);
});

Deno.test("leave() says nothing of the member", () => {
  const stats = new MemberStats(0, 0);
  stats.begin();
  stats.leave(7);
  assert.deepEqual([stats.calls, stats.pending, stats.errorRate, stats.lastMs], [0, 0, 0, 7]);
});
