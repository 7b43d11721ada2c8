import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";

/** A gateway before a pool of processes of the faulty server, its ledger, and a client. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly gateway: GatewayProcess,
    readonly ledger: Ledger,
    readonly client: GatewayClient,
    readonly file: string,
  ) {}

  static async open(pool: object, settings: object): Promise<Scene> {
    const ledger = await Ledger.open();
    const file = await Deno.makeTempFile({ suffix: ".json" });
    await write(file, ledger, pool, settings);
    const gateway = await GatewayProcess.start({ args: ["--config", file] });
    const client = new GatewayClient(gateway.url);
    await client.initialize();
    return new Scene(gateway, ledger, client, file);
  }

  /** Writes another configuration, which the gateway takes over. */
  configure(pool: object, settings: object): Promise<void> {
    return write(this.file, this.ledger, pool, settings);
  }

  /** A call, however it ends: the process that answered, or `code outcome`. */
  async call(nonce: string, args: object = {}): Promise<string> {
    const answer = this.client.call(JSON.stringify(nonce), { nonce, ...args });
    const { result, code, outcome, status } = await bounded(answer, "an answer");
    return result === undefined ? `${code} ${outcome ?? status}` : String(JSON.parse(result).pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.gateway[Symbol.asyncDispose]();
    await this.ledger[Symbol.asyncDispose]();
    await Deno.remove(this.file);
  }
}

async function write(file: string, ledger: Ledger, pool: object, settings: object): Promise<void> {
  const { program, args, env } = ledger.command;
  const server = { command: program, args, env, pool, era: "legacy" };
  await Deno.writeTextFile(
    file,
    JSON.stringify({ sluice: { ...settings, upstreams: { server } } }),
  );
}

function pooled(title: string, pool: object, settings: object, check: (scene: Scene) => unknown) {
  Deno.test({
    name: `serve, a pool: ${title}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using scene = await Scene.open(pool, settings);
      await check(scene);
      assert.deepEqual(scene.ledger.repeated(), []);
      assert.equal(await scene.gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

const times = <T>(count: number, make: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

pooled(
  "a member that keeps failing is left alone after exactly so many failures, the others serve",
  { min: 3, max: 3, callsPerMember: 1 },
  {
    breaker: { failures: 3, successes: 1 },
    limits: { callDeadlineMs: 3000 }, // far above what a member that is well ever takes
    healing: { timeouts: 0 },
  },
  async (scene) => {
    const pids = await times(3, (i) => scene.call(`first-${i}`, { ms: 100 }));
    assert.equal(new Set(pids).size, 3);
    const sick = pids[0];
    Deno.kill(Number(sick), "SIGSTOP");
    const ends: string[] = [];
    const lane = async (lane: number) => {
      for (let i = 0; ends.filter((end) => end === "-31002 200").length < 3 || i < 100; i++) {
        ends.push(await scene.call(`${lane}-${i}`));
      }
    };
    await times(3, lane);
    assert.equal(ends.filter((end) => end === "-31002 200").length, 3);
    const others = new Set(ends.filter((end) => end !== "-31002 200"));
    for (const pid of pids.slice(1)) assert.ok(others.has(pid));
    for (const end of others) assert.match(end, /^\d+$/);
    assert.ok(!others.has(sick));
    await until(async () => {
      const now = await times(3, (i) => scene.call(crypto.randomUUID(), { ms: 50 + i }));
      return new Set(now).size === 3;
    }, "a third member to serve again");
    assert.equal(await scene.gateway.metric("sluice_circuit_state"), 0);
  },
);

pooled(
  "calls of members that crash get -31001, and -31003 with a time when every member ends too often",
  { min: 2, max: 2, callsPerMember: 1 },
  { restarts: { max: 1, coolDownMs: 60_000 } },
  async (scene) => {
    const { gateway, client } = scene;
    await times(2, (i) => scene.call(`first-${i}`, { ms: 100 }));
    for (const round of [1, 2]) {
      const ends = await times(2, (i) => scene.call(`abort-${round}-${i}`, { fault: "abort" }));
      assert.deepEqual(ends, ["-31001 unknown", "-31001 unknown"]);
      if (round === 1) await times(2, (i) => scene.call(`again-${i}`, { ms: 200 }));
    }
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 2);
    const refused = await bounded(client.call('"r"', { nonce: "refused" }), "the refusal");
    assert.deepEqual([refused.status, refused.code], [503, -31003]);
    const seconds = Number(refused.headers.get("retry-after"));
    assert.ok(seconds > 30 && seconds <= 60, `${seconds} s`);
    assert.ok(!scene.ledger.executed().includes("refused"));
  },
);

pooled(
  "a reload under load exchanges the members without losing a call, and leaves none of the old",
  { min: 4, max: 4, callsPerMember: 2 },
  {},
  async (scene) => {
    const { gateway } = scene;
    const first = new Set(await times(8, (i) => scene.call(`first-${i}`, { ms: 100 })));
    assert.equal(first.size, 4);
    const ends: string[] = [];
    let isOver = false;
    const lane = async (lane: number) => {
      for (let i = 0; !isOver; i++) ends.push(await scene.call(`${lane}-${i}`, { ms: 20 }));
    };
    const lanes = times(4, lane);
    await scene.configure({ min: 2, max: 2, callsPerMember: 2 }, {});
    const reloads = () => gateway.metric("sluice_config_reloads_total");
    await until(async () => await reloads() === 1, "the reload");
    const since = ends.length;
    await until(() => ends.length > since + 100, "calls after it");
    isOver = true;
    await bounded(lanes, "the last answers");
    for (const end of ends) assert.match(end, /^\d+$/);
    const now = new Set(ends.slice(-20));
    for (const pid of now) assert.ok(!first.has(pid), "an old member still serves");
    const isGone = (pid: string) => !gateway.descendants().includes(Number(pid));
    await until(() => [...first].every(isGone), "the old members to end");
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 0);
  },
);
