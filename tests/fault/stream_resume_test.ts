import assert from "node:assert/strict";
import { connectSdkClient } from "../contract/sdk_client.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { CutClient, type CutStream, seededRandom } from "../fixtures/cut_client.ts";
import { cuttingProxy } from "../fixtures/cutting_proxy.ts";
import { numberingGateway } from "../fixtures/numbering_gateway.ts";

const SESSIONS = 50;
const MESSAGES = 1000;
const numbers = Array.from({ length: MESSAGES }, (_, i) => i);

/** What a session got on its two streams. */
interface Got {
  readonly from: string;
  readonly call: CutStream;
  readonly general: CutStream;
}

async function runSession(url: URL, from: string, seed: number): Promise<Got> {
  const client = new CutClient(url, seededRandom(seed));
  await client.initialize();
  const call = await client.call({ count: MESSAGES, from });
  const general = await client.listen();
  const counted = client.notify("notifications/count", { first: 0, end: MESSAGES, from });
  await client.resume(general, () => general.messages.length >= MESSAGES);
  assert.equal(await counted, 202);
  return { from, call, general };
}

Deno.test("every message reaches its session once and in order, wherever connections are cut", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.error(`seed ${seed}`);
  await using gateway = await numberingGateway();
  const running = Array.from(
    { length: SESSIONS },
    (_, i) => runSession(gateway.url, `session ${i}`, seed + i),
  );
  const all = await bounded(Promise.all(running), "all messages of all sessions", 180_000);
  let cuts = 0;
  for (const { from, call, general } of all) {
    cuts += call.cuts + general.cuts;
    const answer = call.messages.pop();
    assert.equal(answer.result.content[0].text, from);
    const told = call.messages.map(({ params }) => params);
    assert.deepEqual(told.map(({ progress }) => progress), numbers);
    assert.ok(told.every(({ message }) => message === from), "a foreign message");
    const data = general.messages.map(({ params }) => params.data);
    assert.deepEqual(data.map(({ progress }) => progress), numbers);
    assert.ok(data.every((one) => one.from === from), "a foreign message");
  }
  assert.ok(cuts > 5 * SESSIONS, `only ${cuts} cuts`);
  console.error(`${cuts} cuts`);
});

Deno.test("an event that is forgotten, unknown or of another session is answered 404", async () => {
  await using gateway = await numberingGateway();
  const random = seededRandom(1);
  const [client, other] = [new CutClient(gateway.url, random), new CutClient(gateway.url, random)];
  await Promise.all([client.initialize(), other.initialize()]);
  const stream = await client.listen();
  const foreign = await other.listen();
  const primed = stream.lastEventId!;
  const statusBehind = async (id: string) => {
    const response = await client.request("GET", { "last-event-id": id });
    response.destroy();
    return response.statusCode;
  };
  assert.equal(await statusBehind(foreign.lastEventId!), 404);
  for (const id of ["x", "_", "_1", "1_", `${primed}9`, "-1", `${primed.split("_")[0]}_-1`]) {
    assert.equal(await statusBehind(id), 404, id);
  }
  assert.equal(await statusBehind(primed), 200);
  await client.notify("notifications/count", { first: 0, end: 2000, from: "" });
  assert.equal(await statusBehind(primed), 200);
  await client.notify("notifications/count", { first: 2000, end: 2001, from: "" });
  assert.equal(await statusBehind(primed), 404);
});

Deno.test("the SDK's client gets every step of progress of a call whose connection is cut", async () => {
  await using gateway = await numberingGateway();
  let cuts = 0;
  await using proxy = await cuttingProxy(Number(gateway.url.port), (text, cut) => {
    const isCall = text.includes("notifications/progress");
    if (!isCall || cuts > 1 || !text.includes(`"progress":${40 + 40 * cuts},`)) return;
    cuts++;
    cut();
    if (cuts === 2) gateway.release();
  });
  const door = { url: new URL(`http://127.0.0.1:${proxy.port}/mcp`) };
  await using sdk = await connectSdkClient({
    door,
    log: () => "",
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const arrivals = sdk.arrivals();
  const answer = await bounded(
    sdk.client.callTool(
      { name: "count", arguments: { count: 200, from: "sdk", held: true } },
      undefined,
      { onprogress: () => {} },
    ),
    "the answer",
  );
  assert.deepEqual(answer.content, [{ type: "text", text: "sdk" }]);
  assert.equal(cuts, 2);
  assert.deepEqual(arrivals, [...numbers.slice(0, 200), "answer"]);
});
