import assert from "node:assert/strict";
import { bounded } from "../../fixtures/child_wait.ts";
import { figures, quantile } from "../../fixtures/figures.ts";
import { GatewayClient } from "../../fixtures/gateway_client.ts";
import { Ledger } from "../../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../../fixtures/gateway_process.ts";

const CLIENTS = 20, LANES = 4, CRASHES = 120, EVERY_MS = 500;
/** What an operator should see; tests allow three times as much. */
const TOLD_MS = 200, RECOVERED_MS = 1000, ALLOWANCE = 3;

/** Calls without a pause until it is stopped, and what came of them. */
class Lanes {
  readonly ok = new Set<string>();
  /** Of failed calls: how, and when the client heard of it. */
  readonly failed = new Map<string, { how: string; atMs: number }>();
  /** When each good answer came. */
  lastOkMs = 0;
  readonly pids = new Set<number>();
  #isOver = false;
  #onOk: (() => void)[] = [];
  readonly #lanes: Promise<void>[];

  constructor(clients: readonly GatewayClient[]) {
    this.#lanes = clients.flatMap((client, c) =>
      Array.from({ length: LANES }, (_, l) => this.#lane(client, `${c}.${l}`))
    );
  }

  /** Resolves with the next good answer to a call that was sent from now on. */
  nextOk(): Promise<void> {
    return new Promise((resolve) => this.#onOk.push(resolve));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await bounded(Promise.all(this.#lanes), "the last answers");
  }

  async #lane(client: GatewayClient, name: string): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const nonce = `${name}-${i}`;
      const answer = await client.call(JSON.stringify(nonce), { nonce, ms: 5 });
      if (answer.result === undefined) {
        this.failed.set(nonce, {
          how: `${answer.code} ${answer.outcome}`,
          atMs: performance.now(),
        });
        continue;
      }
      this.ok.add(nonce);
      this.pids.add(JSON.parse(answer.result).pid);
      for (const wake of this.#onOk.splice(0)) wake();
    }
  }
}

Deno.test({
  name:
    "serve survives 120 crashes of a shared server in a minute: exact losses, a restart for each",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({
      command: ledger.command,
      args: ["--shared"],
      env: { SLUICE_RESTARTS_MAX: String(CRASHES) }, // the least that this must not be too much for
    });
    const clients = Array.from({ length: CLIENTS }, () => new GatewayClient(gateway.url));
    await Promise.all(clients.map((client) => client.initialize()));
    const lanes = new Lanes(clients);
    const toldMs: number[] = [], recoveredMs: number[] = [], aborts: string[] = [];
    const startMs = performance.now();
    try {
      await bounded(lanes.nextOk(), "the first answer");
      for (let i = 0; i < CRASHES; i++) {
        const nonce = `abort-${i}`, known = new Set(lanes.failed.keys());
        aborts.push(nonce);
        const { code, outcome } = await bounded(
          clients[0].call(JSON.stringify(nonce), { nonce, fault: "abort" }),
          "the loss",
        );
        assert.deepEqual([code, outcome], [-31001, "unknown"]);
        const lostMs = performance.now();
        await bounded(lanes.nextOk(), "an answer of the next server");
        recoveredMs.push(performance.now() - lostMs);
        const lost = [...lanes.failed].filter(([nonce]) => !known.has(nonce));
        toldMs.push(...lost.map(([, { atMs }]) => Math.abs(atMs - lostMs)));
        const dueMs = startMs + (i + 1) * EVERY_MS;
        await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
      }
    } finally {
      await lanes.stop();
      for (const client of clients) client[Symbol.dispose]();
    }
    const tookMs = performance.now() - startMs;
    const restarts = await gateway.metric("sluice_upstream_restarts_total");
    const executed = ledger.executed();
    const found = new Set(executed);
    figures("A1, crashes", {
      seconds: tookMs / 1000,
      crashes: CRASHES,
      restarts,
      ok: lanes.ok.size,
      lost: lanes.failed.size,
      repeated: ledger.repeated().length,
      toldMsP95: quantile(toldMs, 0.95),
      toldMsMax: Math.max(...toldMs),
      recoveredMsP50: quantile(recoveredMs, 0.5),
      recoveredMsP95: quantile(recoveredMs, 0.95),
      recoveredMsMax: Math.max(...recoveredMs),
    });
    assert.deepEqual(
      new Set([...lanes.failed.values()].map(({ how }) => how)),
      new Set(["-31001 unknown"]),
    );
    assert.ok(lanes.failed.size <= CRASHES * CLIENTS * LANES);
    assert.deepEqual(ledger.repeated(), []);
    for (const nonce of [...lanes.ok, ...aborts]) assert.ok(found.has(nonce), nonce);
    const sent = new Set([...lanes.ok, ...aborts, ...lanes.failed.keys()]);
    assert.deepEqual(executed.filter((nonce) => !sent.has(nonce)), []);
    assert.equal(restarts, CRASHES);
    assert.equal(await gateway.metric("sluice_circuit_state"), 0);
    assert.ok(quantile(toldMs, 0.95) <= ALLOWANCE * TOLD_MS);
    assert.ok(quantile(recoveredMs, 0.95) <= ALLOWANCE * RECOVERED_MS);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    await until(() => gateway.descendants().length <= 3, "the crashed servers to be gone"); // sh, tee, the server
  },
});
