import assert from "node:assert/strict";
import fc from "fast-check";
import { CALLS_MIN, isWorse } from "../../../lib/admin/degradation.ts";
import { Features, type FeatureState } from "../../../lib/admin/features.ts";
import { isInShare } from "../../../lib/admin/stable_share.ts";
import type { Call } from "../../../lib/core/handler.ts";

/** A call of a session; nothing else of it is looked at. */
function callOf(id: string, principal?: string): Call {
  return {
    message: { context: undefined },
    session: { id, isSessionless: false },
    request: {
      address: "127.0.0.1:5",
      ...principal !== undefined && { identity: { proof: "api_key", principal } },
    },
  } as unknown as Call;
}

Deno.test("isInShare() gives a client the same answer every time, and keeps it as the share grows", () => {
  fc.assert(fc.property(fc.string(), fc.nat(100), fc.nat(100), (client, a, b) => {
    const [less, more] = a < b ? [a, b] : [b, a];
    assert.equal(isInShare("cache", client, less), isInShare("cache", client, less));
    if (isInShare("cache", client, less)) assert.ok(isInShare("cache", client, more));
    assert.ok(isInShare("cache", client, 100) && !isInShare("cache", client, 0));
  }));
});

Deno.test("isInShare() takes about the share, and other clients for another name", () => {
  const clients = Array.from({ length: 20_000 }, (_, i) => `session ${i}`);
  for (const percent of [1, 10, 50]) {
    const share = clients.filter((one) => isInShare("cache", one, percent)).length / 200;
    assert.ok(Math.abs(share - percent) < 1 + percent / 20, `${share} % instead of ${percent} %`);
  }
  const both = clients.filter((one) =>
    isInShare("cache", one, 10) && isInShare("retries", one, 10)
  );
  assert.ok(both.length < 300, `${both.length} of 20000 are in both tenths`);
});

Deno.test("isWorse() needs calls, a difference that matters, and one that is no chance", () => {
  const group = (calls: number, errors: number) => ({ calls, errors });
  assert.ok(!isWorse(group(CALLS_MIN - 1, 50), group(1000, 0)));
  assert.ok(!isWorse(group(1_000_000, 5_000), group(1_000_000, 0)), "half a percent");
  assert.ok(!isWorse(group(100, 3), group(10_000, 100)), "three may be chance");
  assert.ok(isWorse(group(100, 20), group(10_000, 100)));
  assert.ok(!isWorse(group(1000, 1000), group(1000, 1000)));
  assert.ok(!isWorse(group(1000, 10), group(1000, 200)), "better is not worse");
});

Deno.test("Features roll back when the clients with one have more errors", () => {
  const changed: FeatureState[] = [];
  const features = new Features({ hedging: 50 }, { changed: (state) => void changed.push(state) });
  changed.length = 0;
  for (let i = 0; i < 2000 && changed.length === 0; i++) {
    const call = callOf(`session ${i}`);
    const fails = features.isOn("hedging", call) && i % 5 === 0;
    features.answered(call, fails ? "UpstreamTimeout" : "ok");
  }
  assert.deepEqual(changed.map(({ name, percent, source }) => [name, percent, source]), [
    ["hedging", 0, "roll-back"],
  ]);
  assert.ok(!features.isOn("hedging", callOf("session 1")));
  assert.ok(changed[0].on.errors > 0 && changed[0].off.errors === 0);
  features.configure({ hedging: 50 });
  assert.equal(percentOf(features, "hedging"), 0, "the same setting again changes nothing");
  features.configure({ hedging: 10 });
  assert.equal(percentOf(features, "hedging"), 10);
});

Deno.test("Features keep an optimisation whose clients fare as the others do", () => {
  const features = new Features({ cache: 50 });
  for (let i = 0; i < 5000; i++) {
    features.answered(callOf(`session ${i}`), i % 20 === 0 ? "UpstreamTimeout" : "ok");
  }
  const state = features.list().find(({ name }) => name === "cache")!;
  assert.equal(state.percent, 50);
  assert.equal(state.on.calls + state.off.calls, 5000);
});

Deno.test("Features.isOn() goes by principal before session", () => {
  const features = new Features({ cache: 50 });
  const answers = Array.from(
    { length: 50 },
    (_, i) => features.isOn("cache", callOf(`${i}`, "key:a")),
  );
  assert.equal(new Set(answers).size, 1);
});

Deno.test("Features.set() refuses names and shares that do not exist", () => {
  const features = new Features({});
  assert.throws(() => features.set("speed", 1), /the features are cache/);
  assert.throws(() => features.set("cache", 101), /from 0 to 100/);
  assert.deepEqual(Features.unknownIn({ cache: true, batching: false }), ["batching"]);
});

function percentOf(features: Features, wanted: string): number {
  return features.list().find(({ name }) => name === wanted)!.percent;
}
