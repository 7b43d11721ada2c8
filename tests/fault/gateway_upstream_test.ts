import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../fixtures/child_wait.ts";
import { type CallAnswer, GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess, until, untilReceived } from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";

const HALF_CLOSING = fileURLToPath(new URL("../fixtures/gateway_half_closing.sh", import.meta.url));

/** A breaker that twenty calls at once without an answer do not open. */
const NO_BREAKER = { SLUICE_BREAKER_FAILURES: "1000", SLUICE_BREAKER_ERROR_RATE: "1" };

/** A shared faulty server behind a gateway, one client, and the records. */
interface Setting {
  readonly gateway: GatewayProcess;
  readonly client: GatewayClient;
  readonly ledger: Ledger;
}

function faulty(
  title: string,
  env: Record<string, string>,
  check: (setting: Setting) => Promise<void>,
): void {
  Deno.test({
    name: `serve ${title}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using ledger = await Ledger.open();
      const { command } = ledger;
      await using gateway = await GatewayProcess.start({ command, args: ["--shared"], env });
      using client = new GatewayClient(gateway.url);
      await client.initialize();
      await check({ gateway, client, ledger });
      assert.deepEqual(ledger.repeated(), []);
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
      const own = gateway.log.split("\n").filter((line) => !line.includes('"module":"child"'));
      assert.doesNotMatch(own.join("\n"), /Uncaught/);
    },
  });
}

/** A call that works, to a server in whatever state; returns the server's process. */
async function works(client: GatewayClient): Promise<number> {
  const answer = await bounded(client.call('"works"', { nonce: crypto.randomUUID() }), "an answer");
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.result!).pid;
}

const lost = ({ status, code, outcome }: CallAnswer) => [status, code, outcome];

faulty(
  "tells the calls in flight that their outcome is unknown when the server crashes, and goes on with a new one",
  {},
  async ({ client, ledger }) => {
    const pids = new Set<number>();
    for (let crash = 0; crash < 3; crash++) {
      pids.add(await works(client));
      const nonces = Array.from({ length: 10 }, (_, i) => `${crash}-${i}`);
      const calls = nonces.map((nonce, i) => client.call(String(i), { nonce, fault: "hang" }));
      await ledger.until(...nonces);
      calls.push(client.call('"abort"', { nonce: `${crash}-abort`, fault: "abort" }));
      for (const call of calls) {
        assert.deepEqual(lost(await bounded(call, "the loss")), [200, -31001, "unknown"]);
      }
    }
    pids.add(await works(client));
    assert.equal(pids.size, 4);
  },
);

faulty(
  "sends what the crashed server was not sent to the next one",
  {},
  async ({ gateway, client, ledger }) => {
    const pid = await works(client);
    Deno.kill(pid, "SIGSTOP");
    // More than the pipes hold: it stays in the middle of being written, and the others behind it.
    const half = client.call('"half"', { nonce: "half", pad: "x".repeat(512 * 1024) });
    await until(() => ledger.bytesReceived() > 10_000, "the write to begin");
    const behind = Array.from({ length: 5 }, (_, i) => client.call(String(i), { nonce: `${i}` }));
    await untilReceived(gateway, 2 + 1 + 1 + 5);
    Deno.kill(pid, "SIGKILL");
    assert.deepEqual(lost(await bounded(half, "the loss")), [200, -31001, "unknown"]);
    for (const [i, call] of behind.entries()) {
      const answer = await bounded(call, "an answer of the next server");
      assert.equal(JSON.parse(answer.result!).nonce, `${i}`);
      assert.notEqual(JSON.parse(answer.result!).pid, pid);
    }
  },
);

faulty(
  "fails calls at their deadline, cancels each at the server, and drops late answers",
  { SLUICE_LIMITS_CALL_DEADLINE_MS: "500", ...NO_BREAKER },
  async ({ gateway, client, ledger }) => {
    const pid = await works(client);
    Deno.kill(pid, "SIGSTOP");
    const calls = Array.from({ length: 20 }, (_, i) => client.call(String(i), { nonce: `${i}` }));
    for (const call of calls) {
      const answer = await bounded(call, "the deadline");
      assert.deepEqual([answer.status, answer.code, answer.messages.length], [200, -31002, 1]);
    }
    Deno.kill(pid, "SIGCONT");
    await until(
      async () => await gateway.metric("sluice_late_answers_total") === 20,
      "20 late answers",
    );
    assert.equal(await works(client), pid);
    const sent = ledger.received("tools/call").filter(({ params }) => params.arguments.nonce <= 20);
    const cancelled = ledger.received("notifications/cancelled").map((m) => m.params.requestId);
    assert.equal(sent.length, 20);
    assert.deepEqual(cancelled.sort(), sent.map(({ id }) => id).sort());
    assert.equal(await gateway.metric("sluice_late_answers_total"), 20);
  },
);

faulty(
  "never sends a call whose deadline passed, or that was cancelled, while it waited for room",
  { SLUICE_LIMITS_CALL_DEADLINE_MS: "1000" },
  async ({ gateway, client, ledger }) => {
    const pid = await works(client);
    Deno.kill(pid, "SIGSTOP");
    const pad = "x".repeat(3 << 19); // more than may wait for one server
    const first = client.call("1", { nonce: "first", pad });
    await until(() => ledger.bytesReceived() > 10_000, "the write to begin");
    const late = client.call("2", { nonce: "late" });
    const cancelled = client.call("3", { nonce: "cancelled" });
    await untilReceived(gateway, 2 + 1 + 3);
    await client.notify("notifications/cancelled", { requestId: 3 });
    assert.deepEqual((await bounded(cancelled, "the cancellation")).messages, []);
    assert.equal((await bounded(late, "the deadline")).code, -31002);
    assert.equal((await bounded(first, "the deadline")).code, -31002);
    Deno.kill(pid, "SIGCONT");
    assert.equal(await works(client), pid);
    assert.deepEqual(ledger.executed().filter((nonce) => nonce.length < 10), ["first"]);
    assert.equal(ledger.received("notifications/cancelled").length, 1);
  },
);

faulty("delivers the good answer behind a line of garbage", {}, async ({ gateway, client }) => {
  const answer = await client.call("1", { nonce: "n", fault: "garbage" });
  assert.equal(JSON.parse(answer.result!).nonce, "n");
  assert.ok(await gateway.metric("sluice_bad_messages_total") >= 1);
});

faulty("fails the call that a broken answer names", {}, async ({ gateway, client }) => {
  const answer = await bounded(client.call("1", { fault: "badjson" }), "an answer");
  assert.deepEqual([answer.status, answer.code, answer.id], [200, -31006, "1"]);
  assert.equal(await gateway.metric("sluice_bad_messages_total"), 1);
  await works(client);
});

faulty("fails the call whose answer stays half", {}, async ({ client }) => {
  const half = client.call("1", { fault: "half" });
  const exit = await bounded(client.call("2", { ms: 100, fault: "exit" }), "the end");
  assert.deepEqual(lost(exit), [200, -31001, "unknown"]);
  assert.equal((await bounded(half, "the end")).code, -31006);
  await works(client);
});

faulty("keeps a flood on stderr out of answers, and mostly out of the log", {}, async (setting) => {
  const { gateway, client } = setting;
  const answer = await client.call("1", { nonce: "n", fault: "stderr" });
  assert.equal(JSON.parse(answer.result!).nonce, "n");
  const lines = gateway.log.split("\n").filter((line) => line.includes("eeee")).length;
  assert.ok(lines > 0 && lines <= 500, `${lines} lines`); // 100 a second
});

faulty("delivers an answer that comes twice once", {}, async ({ gateway, client }) => {
  const answer = await client.call("1", { nonce: "n", fault: "dup" });
  assert.equal(answer.messages.length, 1);
  await works(client);
  assert.equal(await gateway.metric("sluice_late_answers_total"), 1);
});

faulty("drops an answer to nobody's question", {}, async ({ gateway, client }) => {
  const answer = await client.call("1", { nonce: "n", fault: "unknown-id" });
  assert.equal(JSON.parse(answer.result!).nonce, "n");
  assert.equal(await gateway.metric("sluice_late_answers_total"), 1);
});

faulty(
  "fails a call that is answered under a wrong id only at its deadline",
  { SLUICE_LIMITS_CALL_DEADLINE_MS: "300" },
  async ({ gateway, client }) => {
    const answer = await bounded(client.call("1", { fault: "wrong-id-only" }), "the deadline");
    assert.equal(answer.code, -31002);
    assert.equal(await gateway.metric("sluice_late_answers_total"), 1);
    await works(client);
  },
);

for (const [fault, n] of [["big", 64], ["noeol", 200]] as const) {
  faulty(`refuses an endless line of a server: ${fault}`, {}, async ({ gateway, client }) => {
    const pid = await works(client);
    const before = gateway.residentMib();
    const other = client.call("1", { fault: "hang" });
    const answer = await bounded(client.call("2", { fault, n }), "an answer");
    assert.deepEqual([answer.code, (await bounded(other, "an answer")).code], [-31006, -31006]);
    assert.notEqual(await works(client), pid);
    const grownMib = gateway.peakResidentMib() - before;
    assert.ok(grownMib < 64, `grown by ${grownMib} MiB`);
  });
}

Deno.test("serve refuses calls to a server that reads nothing, ends it, and serves all others", async () => {
  await using gateway = await GatewayProcess.start({ command: faultyServer() });
  using client = new GatewayClient(gateway.url);
  using other = new GatewayClient(gateway.url);
  await client.initialize();
  await other.initialize();
  const pid = await works(client);
  await client.call("1", { fault: "deaf" });
  const stuck = client.call("2", { pad: "x".repeat(3 << 19) });
  await untilReceived(gateway, 2 * 2 + 1 + 1 + 1);
  const refused = client.call("3", {});
  const bystander = works(other);
  const { status, code, headers } = await bounded(refused, "the refusal");
  assert.deepEqual([status, code, headers.get("retry-after")], [503, -31005, "1"]);
  assert.equal(await works(other), await bystander);
  assert.deepEqual(lost(await bounded(stuck, "the end of the server")), [200, -31001, "unknown"]);
  assert.notEqual(await works(client), pid);
});

Deno.test("serve goes on with another server when one has closed its stdin", async () => {
  await using gateway = await GatewayProcess.start({
    command: { program: "bash", args: [HALF_CLOSING] },
    args: ["--shared"],
    env: { SLUICE_LIMITS_CALL_DEADLINE_MS: "1000" },
  });
  using client = new GatewayClient(gateway.url);
  await client.initialize();
  const pids = new Set<number>();
  for (let call = 0; call < 6; call++) {
    const answer = await bounded(client.call(String(call), {}), "an answer");
    if (answer.result !== undefined) pids.add(JSON.parse(answer.result).pid);
    else assert.ok(answer.code === -31001 || answer.code === -31002, answer.text);
  }
  assert.ok(pids.size > 1, `${pids.size} servers`);
});

Deno.test("serve ends in order while a server that was started again does not answer the handshake", async () => {
  await using ledger = await Ledger.open();
  const flag = await Deno.makeTempFile();
  const { program, args } = ledger.command;
  const script = `[ -s ${flag} ] && exec sleep 1000; echo started > ${flag}; exec "$@"`;
  await using gateway = await GatewayProcess.start({
    command: { program: "bash", args: ["-c", script, "once", program, ...args] },
    args: ["--shared"],
    env: { SLUICE_LIMITS_DRAIN_MS: "200" },
  });
  using client = new GatewayClient(gateway.url);
  await client.initialize();
  await client.call("1", { fault: "exit" });
  const waiting = client.call("2", {});
  await until(() => gateway.descendants().length > 0, "the next server");
  gateway.signal("SIGTERM");
  assert.deepEqual(lost(await bounded(waiting, "the hard end")), [200, -31001, "unknown"]);
  assert.equal((await bounded(gateway.status, "the end of the gateway", 10_000)).code, 0);
  assert.deepEqual(gateway.descendants(), []);
  await Deno.remove(flag);
});
