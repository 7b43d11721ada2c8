import assert from "node:assert/strict";
import { allGone, bounded, isRunning } from "../fixtures/child_wait.ts";
import { type GatewayProcess, sluiceCommand, until } from "../fixtures/gateway_process.ts";
import { echoServer, faultyServer } from "../fixtures/servers.ts";
import {
  allBelow,
  callEcho,
  openSession,
  sessionOfEach,
  startWorkers,
  workerOf,
  workerPids,
} from "../fixtures/workers_scene.ts";

/** Nominally all is gone within 2 s. */
const GONE_MS = 6_000;
/** Requests that land on one of two workers by chance: all on the same once in a million runs. */
const TRIES = 20;

const ignore = Deno.build.os !== "linux";
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("a worker that is killed costs its own sessions only, and comes back", async () => {
  await using gateway = await startWorkers(2);
  const sessions = await sessionOfEach(gateway.url, 2);
  const [dead, alive] = [1, 2].map((number) => sessions.get(number)!);
  const before = workerPids(gateway).get(1)!;
  Deno.kill(before, "SIGKILL");
  await until(() => !isRunning(before), "the end of worker 1");
  for (let i = 0; i < TRIES; i++) {
    const { status } = await retried(() => callEcho(gateway.url, alive, { text: "still" }));
    assert.equal(status, 200);
    assert.equal((await retried(() => callEcho(gateway.url, dead, {}))).status, 404);
  }
  await until(() => workerPids(gateway).get(1) !== before, "another worker 1");
  await until(
    async () => await gateway.metric("sluice_workers_answered") === 2,
    "figures of both workers",
  );
  assert.equal(await gateway.metric("sluice_worker_restarts_total"), 1);
  for (let i = 0; i < TRIES; i++) {
    assert.equal((await callEcho(gateway.url, alive, { text: "on" })).status, 200);
    assert.equal((await callEcho(gateway.url, dead, {})).status, 404);
  }
  assert.deepEqual([...(await sessionOfEach(gateway.url, 2)).keys()].sort(), [1, 2]);
});

test("a worker that ends again and again is left alone for a while, and the others serve", async () => {
  await using gateway = await startWorkers(2);
  const other = (await sessionOfEach(gateway.url, 2)).get(2)!;
  await killUntil(gateway, [1], () => gateway.log.includes("ends too often"));
  for (let i = 0; i < TRIES; i++) {
    assert.equal((await callEcho(gateway.url, other, {})).status, 200);
  }
  const before = workerPids(gateway).get(1);
  await until(() => workerPids(gateway).get(1) !== before, "worker 1 after its cool-down");
});

test("a gateway all of whose workers end again and again has failed", async () => {
  await using gateway = await startWorkers(2);
  let code: number | undefined;
  void gateway.status.then((status) => code = status.code);
  await killUntil(gateway, [1, 2], () => code !== undefined);
  assert.equal(code, 1);
});

test("a call that was relayed to a worker that is killed has an unknown outcome", async () => {
  await using gateway = await startWorkers(2, { command: faultyServer() });
  const id = await openSession(gateway.url);
  const calls = Array.from(
    { length: TRIES },
    () => callEcho(gateway.url, id, { ms: 600_000 }).catch((error) => error.code),
  );
  await until(
    async () => await gateway.metric("sluice_relayed_requests_total") > 1,
    "relayed calls",
  );
  await until(async () => await gateway.metric("sluice_workers_answered") === 2, "both workers");
  Deno.kill(workerPids(gateway).get(workerOf(id))!, "SIGKILL");
  const ends = await bounded(Promise.all(calls), "the end of all calls");
  const lost = ends.filter((end) => end.status === 502);
  assert.ok(lost.length > 0, JSON.stringify(ends));
  for (const { body } of lost) {
    assert.deepEqual([body.error.code, body.error.data], [-31001, { outcome: "unknown" }]);
  }
  assert.ok(ends.every((end) => end === "ECONNRESET" || end.status === 502), JSON.stringify(ends));
});

test("nothing stays of a gateway whose supervisor is killed", async () => {
  const folder = await Deno.makeTempDir();
  const env = { TMPDIR: folder };
  await using gateway = await startWorkers(2, { command: echoServer(), env });
  await sessionOfEach(gateway.url, 2);
  const pids = allBelow(gateway);
  assert.equal([...Deno.readDirSync(folder)].length, 1);
  assert.ok(pids.length >= 2 + 2 + 3, `${pids.length} processes`); // workers, servers, watchdogs
  gateway.signal("SIGKILL");
  await bounded(gateway.status, "the end of the supervisor");
  await allGone(pids, GONE_MS);
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

test("workers that hang end with a supervisor that is killed", async () => {
  await using gateway = await startWorkers(2);
  const pids = allBelow(gateway);
  for (const pid of workerPids(gateway).values()) Deno.kill(pid, "SIGSTOP");
  gateway.signal("SIGKILL");
  await bounded(gateway.status, "the end of the supervisor");
  await allGone(pids, GONE_MS);
});

test("a gateway that is asked to end lets calls of all workers finish", async () => {
  await using gateway = await startWorkers(2, { command: faultyServer() });
  const sessions = await sessionOfEach(gateway.url, 2);
  const calls = [...sessions.values()].map((id) => callEcho(gateway.url, id, { ms: 1000 }));
  await until(
    async () => await gateway.metric("sluice_messages_total") >= 2 * sessions.size + 2,
    "both calls",
  );
  const pids = allBelow(gateway);
  const { code } = await gateway.stop();
  assert.equal(code, 0);
  for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
  assert.deepEqual(pids.filter(isRunning), []);
});

test("a second gateway on the same port is refused", async () => {
  await using gateway = await startWorkers(2);
  for (const workers of ["2", "1"]) {
    const { program, args, env } = sluiceCommand("serve", {
      args: ["--workers", workers, "--listen", new URL(gateway.url).origin],
    });
    const { code, stderr } = await new Deno.Command(program, { args: [...args], env }).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /^sluice: Cannot listen on .*in use.*\n$/);
  }
});

test("a configuration that cannot be served ends a gateway of several workers with one line", async () => {
  const refused: [string[], number, RegExp][] = [
    [["--listen", "stdio:"], 2, /^sluice: Cannot run several workers: stdin.*\n$/],
    [["--listen", "unix:/tmp/none.sock"], 2, /^sluice: Cannot run several workers: the file.*\n$/],
    [["--listen", "http://192.0.2.1:0"], 1, /^sluice: Cannot listen on 192\.0\.2\.1:0: .*\n$/],
    [["--listen", "https://127.0.0.1:0?cert=/none&key=/none"], 1, /^sluice: [^\n]*\n$/],
  ];
  for (const [flags, exitCode, line] of refused) {
    const { program, args, env } = sluiceCommand("serve", { args: ["--workers", "2", ...flags] });
    const { code, stderr } = await new Deno.Command(program, { args: [...args], env }).output();
    const said = new TextDecoder().decode(stderr);
    assert.match(said, line);
    assert.equal(code, exitCode, said);
  }
});

/** Kills workers as soon as they serve. */
async function killUntil(
  gateway: GatewayProcess,
  numbers: readonly number[],
  isEnough: () => boolean,
): Promise<void> {
  const killed = new Set<number>();
  await until(
    () => {
      const pids = workerPids(gateway);
      for (const pid of numbers.map((number) => pids.get(number))) {
        if (pid === undefined || killed.has(pid)) continue;
        killed.add(pid);
        Deno.kill(pid, "SIGKILL");
      }
      return isEnough();
    },
    "the end of their patience",
    120_000,
  );
}

/** A connection that waits where a worker was killed is reset by the system. */
async function retried<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 0;; tries++) {
    try {
      return await act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNRESET" || tries > 3) throw error;
    }
  }
}
