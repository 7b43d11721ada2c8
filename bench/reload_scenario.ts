/**
 * Reloads of the configuration under load: `deno run -A bench/reload_scenario.ts [SECONDS]`. 300 calls a second
 * (open loop) over 10 sessions with an event stream each, a reload every 1.2 s that adds or removes a server.
 *
 * @module
 */
import { ReloadScene, ToolClient } from "../tests/fixtures/reload_scene.ts";
import { echoServer, faultyServer } from "../tests/fixtures/servers.ts";

const CALLS_PER_SECOND = 300;
const SESSIONS = 10;
const RELOAD_MS = 1_200;

const seconds = Number(Deno.args[0] ?? 60);
const stay = { stay: faultyServer(), other: echoServer() };
const more = { ...stay, extra: faultyServer() };

await using scene = await ReloadScene.start({ servers: stay });
const clients = await Promise.all(Array.from({ length: SESSIONS }, async () => {
  const client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  const stream = await client.listen();
  await client.tools();
  await client.tool("stay__echo", {});
  let isDropped = false;
  const dropped = () => isDropped = true;
  stream.ended.then(dropped, dropped);
  return { client, stream, isDropped: () => isDropped };
}));

const failures: string[] = [], latenciesMs: number[] = [], pids = new Set<number>();
const pending = new Set<Promise<void>>();
let calls = 0;

async function call(): Promise<void> {
  const nonce = crypto.randomUUID();
  const dueMs = performance.now();
  const { client } = clients[calls++ % SESSIONS];
  const answer = await client.tool("stay__echo", { nonce }).catch((error) => ({
    failure: String(error),
    nonce: undefined,
    pid: undefined,
  }));
  latenciesMs.push(performance.now() - dueMs);
  if (answer.nonce !== nonce) failures.push(answer.failure ?? "another answer");
  if (answer.pid !== undefined) pids.add(answer.pid);
}

const startMs = performance.now();
const reloads = Math.floor(seconds * 1000 / RELOAD_MS);

/** Each is waited for by its effect, and then until the next is due. */
async function reloadAll(): Promise<void> {
  for (let done = 1; done <= reloads; done++) {
    await scene.replace({ servers: done % 2 === 1 ? more : stay });
    await scene.until("ok", done);
    const [{ client }] = clients;
    if ((await client.tools()).includes("extra__echo")) await client.tool("extra__echo", {}); // starts it
    const restMs = startMs + done * RELOAD_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, restMs)));
  }
}

const callTimer = setInterval(() => {
  const due = (performance.now() - startMs) / 1000 * CALLS_PER_SECOND;
  while (calls < due) {
    const one = call().finally(() => pending.delete(one));
    pending.add(one);
  }
}, 1);
await reloadAll();
const tookS = (performance.now() - startMs) / 1000;
clearInterval(callTimer);
await Promise.all(pending);

latenciesMs.sort((a, b) => a - b);
const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))].toFixed(1);
const listChanges = clients.map(({ stream }) => stream.messages.length);
console.log(`reloads       ${await scene.reloads("ok")} in ${tookS.toFixed(1)} s`);
console.log(`calls         ${calls}, failed ${failures.length} ${failures.slice(0, 3).join("; ")}`);
console.log(`latency, ms   p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`);
console.log(
  `streams       ${SESSIONS}, dropped ${clients.filter((one) => one.isDropped()).length}`,
);
console.log(`list_changed  ${Math.min(...listChanges)} to ${Math.max(...listChanges)} a stream`);
console.log(`processes     ${pids.size} of the server that stays, ${SESSIONS} sessions`);
for (const { client, stream } of clients) {
  await stream[Symbol.asyncDispose]();
  client[Symbol.dispose]();
}
