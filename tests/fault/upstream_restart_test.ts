import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { seededRandom } from "../fixtures/cut_client.ts";
import { type Called, type Caller, connectCallers } from "../fixtures/reporting/callers.ts";
import { ReportChannel, startReportingHttp } from "../fixtures/reporting/channel.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const CALLERS_OF_EACH_KIND = 25; // four kinds
const ROUNDS = 5;
/** The server is killed so long after a round has begun, at most, ms. */
const KILL_MS = 150;
/** A call takes so long at the server, at most, ms. */
const CALL_MS = 60;

/** A call and what became of it. */
interface Record {
  readonly kind: string;
  readonly nonce: string;
  readonly begunMs: number;
  readonly called: Called;
}

/** An upstream that can be lost and found again. */
interface Losable {
  /** The server is lost, and there again. */
  lose(): Promise<void>;
  readonly channel: ReportChannel;
  /** A handshake is made after each loss. */
  readonly shakesHands: boolean;
}

function lineUrlOf(gateway: SluiceServe): URL {
  return new URL(/tcp:\/\/\S+/.exec(gateway.stdout())![0]);
}

const SHARED_FLAGS = ["--shared", "--listen", "tcp://127.0.0.1:0", "--log-level", "error"];

/** Who calls on while a server is away opens its circuit: that is right, and not what is looked at here. */
const NO_BREAKER = { SLUICE_BREAKER_FAILURES: "1000000", SLUICE_BREAKER_ERROR_RATE: "1" };

/** Calls until a call that was begun after the server was there again has been answered. */
async function callOn(
  caller: Caller,
  random: () => number,
  foundAgainMs: () => number,
): Promise<Record[]> {
  const records: Record[] = [];
  for (let begunMs = 0; !(begunMs > foundAgainMs());) {
    begunMs = performance.now();
    const nonce = crypto.randomUUID();
    const args = { nonce, ms: Math.floor(random() * CALL_MS) };
    const called = await bounded(caller.call("echo", args), `an answer, ${caller.kind}`);
    records.push({ kind: caller.kind, nonce, begunMs, called });
  }
  return records;
}

/** Kills the server while all call, once. */
async function runRound(
  callers: readonly Caller[],
  { lose, channel, shakesHands }: Losable,
  random: () => number,
): Promise<void> {
  let foundAgainMs = Infinity;
  const running = Promise.all(callers.map((caller) => callOn(caller, random, () => foundAgainMs)));
  running.catch(() => {}); // awaited below
  await new Promise((resolve) => setTimeout(resolve, random() * KILL_MS));
  const from = channel.reports.length;
  await lose();
  await Promise.race([found(channel, shakesHands, from), running]);
  foundAgainMs = performance.now();
  const records = (await running).flat();
  await channel.complete();
  const executed = executedBy(channel);
  const tally = new Map<string, number>();
  for (const record of records) {
    check(record, executed.get(record.nonce) ?? 0, foundAgainMs);
    const { code, outcome } = record.called;
    const key = code === undefined ? "ok" : `${code} ${outcome}`;
    tally.set(key, (tally.get(key) ?? 0) + 1);
  }
  console.error(`  ${JSON.stringify(Object.fromEntries(tally))}`);
}

/** Waits until the server is in use again: reports of the one before may still arrive. */
async function found(
  channel: ReportChannel,
  shakesHands: boolean,
  from: number,
): Promise<void> {
  if (shakesHands) return void await channel.until("notifications/initialized", () => true, from);
  const { pid } = await channel.next(({ event }) => event === "started", "another server", from);
  await channel.next((report) => report.pid === pid && report.nonce !== undefined, "a call", from);
}

function executedBy({ reports }: ReportChannel): Map<string, number> {
  const executed = new Map<string, number>();
  for (const { nonce } of reports) {
    if (nonce !== undefined) executed.set(nonce, (executed.get(nonce) ?? 0) + 1);
  }
  return executed;
}

function check({ kind, nonce, called, begunMs }: Record, times: number, foundMs: number): void {
  const { text, code, outcome } = called;
  const what = `${kind}: ${JSON.stringify(called.message)}, executed ${times} times`;
  if (text !== undefined) {
    assert.equal(JSON.parse(text).nonce, nonce, what);
    return assert.equal(times, 1, what);
  }
  assert.ok(begunMs <= foundMs, `a call after the handshake failed: ${what}`);
  assert.equal(code, -31001, what);
  if (outcome === "not_sent") assert.equal(times, 0, what);
  else assert.ok(outcome === "unknown" && times <= 1, what);
}

/** Plays all rounds against a gateway, and ends it. */
async function play(gateway: SluiceServe, losable: Losable): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.error(`  seed ${seed}`);
  const random = seededRandom(seed);
  const callers = await connectCallers(gateway.url, lineUrlOf(gateway), CALLERS_OF_EACH_KIND);
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      await runRound(callers, losable, random);
      const handshakes = losable.channel.received("initialize").length;
      assert.equal(handshakes, losable.shakesHands ? round + 1 : 0, `round ${round}`);
    }
  } finally {
    for (const caller of callers) caller[Symbol.dispose]();
  }
  assert.equal((await gateway.stop()).code, 0);
}

for (const era of ["legacy", "modern"] as const) {
  Deno.test(`100 callers of a shared ${era} stdio server get right answers when it is killed`, async () => {
    await using channel = new ReportChannel();
    await using gateway = await startServe(channel.command({ transport: "stdio", era }), {
      flags: SHARED_FLAGS,
    });
    await play(gateway, {
      channel,
      shakesHands: era === "legacy",
      lose() {
        const { pid } = channel.reports.findLast(({ event }) => event === "started")!;
        Deno.kill(pid, "SIGKILL");
        return Promise.resolve();
      },
    });
    const starts = channel.reports.filter(({ event }) => event === "started").length;
    assert.equal(starts, ROUNDS + 1);
  });

  Deno.test(`100 callers of a shared ${era} HTTP server get right answers when it is started again`, async () => {
    await using channel = new ReportChannel();
    let server = await startReportingHttp(channel, era);
    const { url, port } = server;
    try {
      await using gateway = await startServe(url, { flags: SHARED_FLAGS, env: NO_BREAKER });
      await play(gateway, {
        channel,
        shakesHands: era === "legacy",
        async lose() {
          await server.kill();
          server = await startReportingHttp(channel, era, port);
        },
      });
    } finally {
      await server.kill();
    }
  });
}

Deno.test("100 callers of a shared HTTP server get right answers when it forgets its sessions", async () => {
  await using channel = new ReportChannel();
  await using server = await startReportingHttp(channel, "legacy");
  await using gateway = await startServe(server.url, { flags: SHARED_FLAGS });
  await play(gateway, { channel, shakesHands: true, lose: () => channel.order({ forget: true }) });
});

Deno.test("a call succeeds after a shared HTTP server has forgotten its sessions, with one more handshake", async () => {
  await using channel = new ReportChannel();
  await using server = await startReportingHttp(channel, "legacy");
  await using gateway = await startServe(server.url, { flags: SHARED_FLAGS });
  const callers = await connectCallers(gateway.url, lineUrlOf(gateway), 1);
  try {
    for (let round = 1, from = 0; round <= 20; round++) {
      await channel.next(({ event }) => event === "listens", "the general stream", from);
      from = channel.reports.length;
      await channel.order({ forget: true });
      const nonce = crypto.randomUUID();
      const calling = callers[round % callers.length].call("echo", { nonce });
      const { message, text } = await bounded(calling, "an answer");
      assert.equal(JSON.parse(text!).nonce, nonce, JSON.stringify(message));
      await channel.complete();
      assert.equal(channel.received("initialize").length, round + 1);
      assert.equal(executedBy(channel).get(nonce), 1);
    }
  } finally {
    for (const caller of callers) caller[Symbol.dispose]();
  }
});
