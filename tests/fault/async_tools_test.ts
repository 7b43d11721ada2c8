import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { connected, gatewayOf } from "../fixtures/failover_scene.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { until } from "../fixtures/gateway_process.ts";

const MAX = 12, CALLS = 30;

Deno.test({
  name:
    "serve runs 12 tools of one server at once, never more, and answers in whatever order they end",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using ledger = await Ledger.open();
    const { program, args, env } = ledger.command;
    await using gateway = await gatewayOf({
      upstream: {
        ...{ command: program, args, env, sharing: "shared" },
        calls: { max: MAX, queue: CALLS, queueMs: 60_000 },
      },
    });
    const calls = async (state: string) =>
      (await gateway.metrics()).get(`sluice_upstream_calls{upstream="server",state="${state}"}`);
    using client = await connected(gateway);
    const answers = new Map<number, ReturnType<typeof client.call>>();
    for (let i = 0; i < MAX; i++) {
      answers.set(i, client.call(`${i}`, { nonce: `${i}`, fault: "hang" }));
      await ledger.until(`${i}`);
    }
    assert.equal(await calls("running"), MAX);
    for (let i = MAX; i < CALLS; i++) {
      answers.set(i, client.call(`${i}`, { nonce: `${i}`, fault: "hang" }));
      await until(async () => await calls("waiting") === i - MAX + 1, "the call to wait");
    }
    assert.equal(ledger.executed().length, MAX);
    // The last that runs ends first: one more begins, the others go on.
    for (let ended = 0; ended < CALLS; ended++) {
      const running = [...answers.keys()].slice(0, MAX);
      const last = running.at(-1)!;
      await client.notify("notifications/cancelled", { requestId: last });
      assert.deepEqual((await bounded(answers.get(last)!, "the end")).messages, []);
      answers.delete(last);
      const begun = Math.min(CALLS, MAX + ended + 1);
      await until(() => ledger.executed().length === begun, "the next to begin");
      assert.ok((await calls("running"))! <= MAX);
    }
    assert.deepEqual(ledger.executed(), Array.from({ length: CALLS }, (_, i) => `${i}`));
    assert.deepEqual([await calls("running"), await calls("waiting")], [0, 0]);
    assert.equal(await gateway.metric("sluice_shed_calls_total"), 0);
  },
});

Deno.test({
  name: "serve answers a quick tool while a slow one of the same server and client runs",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using ledger = await Ledger.open();
    const { program, args, env } = ledger.command;
    await using gateway = await gatewayOf({
      upstream: { command: program, args, env, sharing: "shared" },
    });
    using client = await connected(gateway);
    let isOver = false;
    const slow = client.call('"slow"', { nonce: "slow", fault: "hang" }).then(() => isOver = true);
    await ledger.until("slow");
    for (let i = 0; i < 50; i++) {
      const { result } = await bounded(client.call(`${i}`, { nonce: `q${i}` }), "a quick answer");
      assert.equal(JSON.parse(result!).nonce, `q${i}`);
    }
    assert.equal(isOver, false);
    await client.notify("notifications/cancelled", { requestId: "slow" });
    await bounded(slow, "the end of the slow one");
  },
});
