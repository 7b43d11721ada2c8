import assert from "node:assert/strict";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess } from "../fixtures/gateway_process.ts";
import { sameIds } from "../fixtures/gateway_load.ts";
import { echoServer, faultyServer } from "../fixtures/servers.ts";

Deno.test("serve crosses, loses and repeats nothing when many clients use the same ids on one server", async () => {
  await using gateway = await GatewayProcess.start({ command: echoServer(), args: ["--shared"] });
  const counts = await sameIds(gateway.url, { clients: 20, ids: 100, inFlight: 10 });
  assert.deepEqual(counts, { answered: 2000, crossed: 0, lost: 0, repeated: 0, foreignId: 0 });
  assert.equal(await gateway.metric("sluice_late_answers_total"), 0);
  assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
});

/** Ids that lose their spelling, or themselves, when they are read as values. */
const IDS = [
  ...["0", "-0", "1.0", "-3", "7.000", "9007199254740993", "-9007199254740993"],
  ...["123456789012345678901234567890", '""', '"a"', '"1"', '"\\u00e9"', '"é"', '"\\ud83d\\ude00"'],
  ...['"\\ud800"', '"\u{1f600}"', '"\\/\\b\\f\\n\\r\\t\\"\\\\"', '"\u2028"', '"__proto__"'],
  `"${"x".repeat(1000)}"`,
];

for (const sharing of ["shared", "perSession"]) {
  Deno.test(`serve returns every id byte for byte to clients of a ${sharing} server`, async () => {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      args: sharing === "shared" ? ["--shared"] : [],
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    for (const id of IDS) {
      const answer = await client.call(id, { nonce: id });
      assert.equal(answer.id, id);
      assert.equal(JSON.parse(answer.result!).nonce, id);
    }
  });
}

Deno.test("serve hands arguments to the server in their own spelling", async () => {
  await using gateway = await GatewayProcess.start({ command: faultyServer(), args: ["--shared"] });
  using client = new GatewayClient(gateway.url);
  await client.initialize();
  const args = '{"fault":"raw", "a":1.0,"b":1e2,"c":-0,"d":9007199254740993 ,"e":1e400,"f":0.10,' +
    '"s":"\\u0061\\ud800\\/é","z":{},"__proto__":{"admin":true},"a\\u0062":[ ],"10":1,"9":2}';
  const raw = (await client.call("1", args)).result!;
  assert.equal(
    raw.slice(raw.indexOf('"method"')),
    `"method":"tools/call","params":{"name":"echo","arguments":${args}}}`,
  );
});

Deno.test("serve refuses the second of two calls with one id in flight, and answers the first once", async () => {
  await using ledger = await Ledger.open();
  await using gateway = await GatewayProcess.start({ command: ledger.command, args: ["--shared"] });
  using client = new GatewayClient(gateway.url);
  await client.initialize();
  for (const [first, second] of [["5", "5"], ['"a"', '"\\u0061"'], ["7", "7.0"]]) {
    const slow = client.call(first, { nonce: `first ${first}`, ms: 300 });
    await ledger.until(`first ${first}`);
    const refused = await client.call(second, { nonce: `second ${second}` });
    assert.deepEqual([refused.status, refused.code, refused.id], [400, -32600, second]);
    const answer = await slow;
    assert.equal(answer.messages.length, 1);
    assert.equal(JSON.parse(answer.result!).nonce, `first ${first}`);
  }
  assert.equal(JSON.parse((await client.call("5", { nonce: "again" })).result!).nonce, "again");
  assert.deepEqual(ledger.executed(), ["first 5", 'first "a"', "first 7", "again"]);
});
