import assert from "node:assert/strict";
import { bounded } from "../../fixtures/child_wait.ts";
import { figures, quantile } from "../../fixtures/figures.ts";
import { GatewayClient } from "../../fixtures/gateway_client.ts";
import { Ledger } from "../../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../../fixtures/gateway_process.ts";

const CLIENTS = 10, LANES = 2, STOPPED_MS = 12_000, DEADLINE_MS = 5_000;
/** What an operator should see is 300 ms; three times that is allowed. */
const LATE_MS = 900;

interface End {
  readonly how: string;
  readonly tookMs: number;
}

/** Calls without a pause until it is told to stop; after a refusal as late as that says. */
class Load {
  /** How each call ended. */
  readonly ends = new Map<string, End>();
  answered = 0;
  readonly #lanes: Promise<void>[];
  #isOver = false;

  constructor(clients: readonly GatewayClient[]) {
    this.#lanes = clients.flatMap((client, c) =>
      Array.from({ length: LANES }, (_, l) => this.#lane(client, `${c}.${l}`))
    );
  }

  /** Calls by how they ended. */
  kinds(): Record<string, number> {
    const kinds: Record<string, number> = {};
    for (const { how } of this.ends.values()) kinds[how] = (kinds[how] ?? 0) + 1;
    return kinds;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await bounded(Promise.all(this.#lanes), "the last answers");
  }

  async #lane(client: GatewayClient, name: string): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const nonce = `${name}-${i}`, startMs = performance.now();
      const answer = await client.call(JSON.stringify(nonce), { nonce, ms: 5 });
      const { result, code, outcome, messages, headers } = answer;
      assert.equal(messages.length, 1, nonce);
      if (result !== undefined) {
        assert.equal(JSON.parse(result).nonce, nonce);
        this.answered++;
      }
      const how = result === undefined ? `${code} ${outcome}` : "ok";
      this.ends.set(nonce, { how, tookMs: performance.now() - startMs });
      if (code !== -31003) continue;
      const waitMs = 1000 * Number(headers.get("retry-after"));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

Deno.test({
  name:
    "serve cancels every call of a server stopped for 12 s under load, and delivers no late answer",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({
      command: ledger.command,
      args: ["--shared"],
      env: { SLUICE_LIMITS_CALL_DEADLINE_MS: String(DEADLINE_MS) },
    });
    const clients = Array.from({ length: CLIENTS }, () => new GatewayClient(gateway.url));
    await Promise.all(clients.map((client) => client.initialize()));
    const first = JSON.parse((await clients[0].call('"first"', { nonce: "first" })).result!);
    const load = new Load(clients);
    await until(() => load.answered > 500, "calls to be answered");
    Deno.kill(first.pid, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
    const state = await gateway.metric("sluice_circuit_state");
    Deno.kill(first.pid, "SIGCONT");
    const before = load.answered;
    await until(() => load.answered > before + 500, "calls to be answered again", 60_000);
    await load.stop();
    const last = JSON.parse((await clients[0].call('"last"', { nonce: "last" })).result!);
    for (const client of clients) client[Symbol.dispose]();
    const kinds = load.kinds();
    const hung = [...load.ends].filter(([, { how }]) => how.startsWith("-31002"));
    const tookMs = hung.map(([, { tookMs }]) => tookMs);
    const sent = ledger.received("tools/call");
    const idOf = new Map(sent.map(({ id, params }) => [params.arguments.nonce, id]));
    const cancelled = ledger.received("notifications/cancelled").map((m) => m.params.requestId);
    const late = () => gateway.metric("sluice_late_answers_total");
    await until(async () => await late() === hung.length, "the late answers");
    figures("A2, a server stopped for 12 s", {
      ...kinds,
      minMs: Math.min(...tookMs),
      p50Ms: quantile(tookMs, 0.5),
      maxMs: Math.max(...tookMs),
      cancelled: cancelled.length,
      late: await late(),
      stateWhileStopped: state,
      restarts: await gateway.metric("sluice_upstream_restarts_total"),
    });
    assert.deepEqual(
      Object.keys(kinds).sort(),
      ["-31002 undefined", "-31003 undefined", "ok"],
    );
    assert.ok(hung.length >= CLIENTS * LANES && state > 0, "the breaker is open by then");
    for (const ms of tookMs) {
      assert.ok(ms >= DEADLINE_MS - LATE_MS / 3 && ms <= DEADLINE_MS + LATE_MS, `${ms} ms`);
    }
    assert.deepEqual(cancelled.sort(), hung.map(([nonce]) => idOf.get(nonce)).sort());
    assert.deepEqual(ledger.repeated(), []);
    const executed = new Set(ledger.executed());
    for (const [nonce, { how }] of load.ends) {
      assert.equal(executed.has(nonce), !how.startsWith("-31003"), `${nonce}: ${how}`);
    }
    assert.equal(last.pid, first.pid);
    assert.equal(await late(), hung.length);
  },
});
