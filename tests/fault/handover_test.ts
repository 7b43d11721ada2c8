import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { ListeningSocket } from "../fixtures/listening_socket.ts";
import { faultyServer } from "../fixtures/servers.ts";

const ignore = Deno.build.os !== "linux";
const LANES = 16, CALLS = 50;

/** Asks again and again on new connections, until it is told to stop. */
class Newcomers {
  answered = 0;
  readonly failures: string[] = [];
  readonly #url: string;
  readonly #lanes: Promise<void[]>;
  #isOver = false;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/ready`;
    this.#lanes = Promise.all(Array.from({ length: LANES }, () => this.#lane()));
  }

  async more(count: number): Promise<void> {
    const enough = this.answered + count;
    await until(() => this.answered >= enough, "answers to new connections");
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#lanes;
  }

  async #lane(): Promise<void> {
    while (!this.#isOver) {
      try {
        // A client of its own each time: a new connection, never sent again by the runtime.
        using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
        const response = await fetch(this.#url, { client });
        await response.body?.cancel();
        if (response.status !== 200) this.failures.push(`status ${response.status}`);
      } catch (error) {
        this.failures.push(`${error}`);
      }
      this.answered++;
    }
  }
}

Deno.test({
  name:
    "a gateway replaces another on an inherited socket: no connection is refused, no call ended",
  ignore,
  async fn() {
    using socket = new ListeningSocket();
    const start = () =>
      GatewayProcess.start({
        command: faultyServer(),
        listen: `http://127.0.0.1:${socket.port}`,
        starting: (command) => socket.handedTo(command),
      });
    await using old = await start();
    const newcomers = new Newcomers(socket.port);
    using client = new GatewayClient(old.url);
    await client.initialize();
    const calls = Array.from(
      { length: CALLS },
      (_, i) => client.call(`${i}`, { nonce: `n${i}`, ms: 2_000 }),
    );
    await newcomers.more(100);
    await using young = await start();
    assert.equal(young.port, old.port);
    await newcomers.more(100);
    old.signal("SIGTERM");
    for (const [i, call] of calls.entries()) {
      const { result } = await bounded(call, `answer ${i}`);
      assert.equal(JSON.parse(result!).nonce, `n${i}`);
    }
    assert.equal((await bounded(old.status, "the end of the old one")).code, 0);
    await newcomers.more(100);
    await newcomers.end();
    assert.deepEqual(newcomers.failures, []);
    using later = new GatewayClient(young.url);
    await later.initialize();
    assert.equal(JSON.parse((await later.call("1", { nonce: "young" })).result!).nonce, "young");
    assert.equal(young.log.includes("defect"), false);
  },
});

Deno.test({
  name: "serve keeps an inherited socket from its servers, and says when it has no use for it",
  ignore,
  async fn() {
    using socket = new ListeningSocket();
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      starting: (command) => socket.handedTo(command),
    });
    assert.notEqual(gateway.port, socket.port);
    await until(() => gateway.log.includes(`127.0.0.1:${socket.port}`), "the warning");
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    await client.call("1", { nonce: "started" });
    const inodeOf = (pid: number, fd: string) => Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
    const inherited = inodeOf(gateway.pid, "3");
    assert.match(inherited, /^socket:/);
    for (const pid of gateway.descendants()) {
      for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
        assert.notEqual(inodeOf(pid, name), inherited);
      }
      const environment = await Deno.readTextFile(`/proc/${pid}/environ`);
      assert.doesNotMatch(environment, /LISTEN_(FDS|PID)/);
    }
  },
});
