import assert from "node:assert/strict";
import { bounded } from "../../fixtures/child_wait.ts";
import { figures, quantile } from "../../fixtures/figures.ts";
import { type CallAnswer, GatewayClient } from "../../fixtures/gateway_client.ts";
import { Ledger } from "../../fixtures/gateway_ledger.ts";
import { GatewayProcess } from "../../fixtures/gateway_process.ts";

/** Failures of each kind. */
const EACH = 9, GATEWAYS = 4;
/** A server has recovered when the same session gets a good answer within this, ms, without anybody's help. */
const RECOVERY_MS = 30_000;
const SHARE = 0.95;

/** What is done to a server. None of these calls needs to be answered well. */
type Injection = (client: GatewayClient, pid: number, nonce: string) => Promise<unknown>;

const fault = (name: string, n?: number): Injection => (client, _, nonce) =>
  admitted(() => client.call(JSON.stringify(nonce), { nonce, fault: name, n }));
const signal = (name: Deno.Signal): Injection => (_, pid) => Promise.resolve(Deno.kill(pid, name));

/** A call that gets through: the failure before may have left the breaker open. */
async function admitted(call: () => Promise<CallAnswer>): Promise<CallAnswer> {
  const startMs = performance.now();
  for (;;) {
    const answer = await bounded(call(), "an answer");
    const wasRefused = answer.code === -31003 || answer.outcome === "not_sent";
    if (!wasRefused || performance.now() - startMs > RECOVERY_MS) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const KINDS: Readonly<Record<string, Injection>> = {
  "crashes": fault("abort"),
  "exits": fault("exit"),
  "is killed": signal("SIGKILL"),
  "is stopped": signal("SIGSTOP"),
  "never answers one call": fault("hang"),
  "stops reading": fault("deaf"),
  "writes garbage": fault("garbage"),
  "writes broken JSON": fault("badjson"),
  "answers by half": fault("half"),
  "answers under a wrong id": fault("wrong-id-only"),
  "writes a line without an end": fault("noeol", 5),
  "answers with 5 MiB": fault("big", 5),
};

/** One failure in a session of its own; resolves to how long it took to recover, ms; `undefined` when it did not. */
async function injected(url: string, kind: string, nonce: string): Promise<number | undefined> {
  using client = new GatewayClient(url);
  await client.initialize();
  const call = (what: string): Promise<CallAnswer> =>
    bounded(client.call(JSON.stringify(what), { nonce: what }), "an answer");
  const first = await admitted(() => call(`${nonce}-first`));
  await bounded(KINDS[kind](client, JSON.parse(first.result!).pid, nonce), "the failure");
  const startMs = performance.now();
  let good = 0, recoveredMs: number | undefined;
  for (let i = 0; good < 3 && performance.now() - startMs < RECOVERY_MS; i++) {
    const { result } = await call(`${nonce}-${i}`);
    good = result === undefined ? 0 : good + 1; // a server that fails at every other call has not recovered
    if (good === 1) recoveredMs = performance.now() - startMs;
    if (result === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await client.end();
  return good < 3 ? undefined : recoveredMs;
}

Deno.test({
  name: "serve recovers from 95 of 100 failures of its servers without anybody's help",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const waiting = Object.keys(KINDS).flatMap((kind) =>
      Array.from({ length: EACH }, (_, i) => ({ kind, nonce: `${kind} ${i}` }))
    );
    const total = waiting.length;
    const tookMs = new Map<string, number[]>(), failed: string[] = [];
    const lane = async () => {
      await using ledger = await Ledger.open();
      await using gateway = await GatewayProcess.start({
        command: ledger.command,
        env: { SLUICE_LIMITS_CALL_DEADLINE_MS: "1000", SLUICE_HEALING_PING_MS: "1000" },
      });
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const ms = await injected(gateway.url, next.kind, next.nonce);
        if (ms === undefined) failed.push(next.nonce);
        else tookMs.set(next.kind, [...tookMs.get(next.kind) ?? [], ms]);
      }
      assert.deepEqual(ledger.repeated(), []);
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    };
    await Promise.all(Array.from({ length: GATEWAYS }, lane));
    const p95 = Object.fromEntries(
      [...tookMs].map(([kind, ms]) => [kind, Math.round(quantile(ms, 0.95))]),
    );
    figures("C8, recovery", { total, failed, p95Ms: p95 });
    assert.ok(failed.length <= (1 - SHARE) * total, failed.join(", "));
  },
});
