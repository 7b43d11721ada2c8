import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { request } from "../../../../lib/core/compose.ts";
import type { Batch, Codec } from "../../../../lib/core/connection.ts";
import { lengthPrefixed } from "../../../../lib/framing/length_prefixed.ts";
import { privateHop } from "../../../../lib/framing/private_hop.ts";
import { type HopKey, readKeys } from "../../../../lib/framing/sealing/key_ring.ts";
import { ReplayGuard } from "../../../../lib/framing/sealing/replay_guard.ts";
import { sealed } from "../../../../lib/framing/sealing/sealed.ts";

const LIMITS = { messageBytesMax: 4 * 1024 * 1024 };

function key(id: string): HopKey {
  return { id, secret: new Uint8Array(randomBytes(32)) };
}

interface Wish {
  readonly keys?: readonly HopKey[];
  readonly serverKeys?: readonly HopKey[];
  readonly guard?: ReplayGuard;
  readonly now?: () => number;
  readonly inner?: () => Codec;
}

/** Both ends of a connection. */
function hop(wish: Wish = {}) {
  const { keys = [key("k1")], now, inner = () => lengthPrefixed(LIMITS) } = wish;
  const { serverKeys = keys, guard = new ReplayGuard(now) } = wish;
  const client = sealed({ inner: inner(), keys, now });
  const server = sealed({ inner: inner(), keys: serverKeys, guard });
  return { client, server, fromClient: server.decoder(), fromServer: client.decoder() };
}

const PING: Batch = [request(1, "ping")];
const texts = (batch: Batch) => batch.map(({ bytes }) => new TextDecoder().decode(bytes));
const problems = (batch: Batch) => batch.map(({ problem }) => problem?.message);
const envelope = (frame: Uint8Array) => JSON.parse(new TextDecoder().decode(frame.subarray(4)));

function framed(value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value));
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, 4);
  return new Uint8Array(frame);
}

Deno.test("sealed() carries messages both ways, in envelopes that show nothing of them", () => {
  for (const inner of [() => lengthPrefixed(LIMITS), () => privateHop(LIMITS)]) {
    const { client, server, fromClient, fromServer } = hop({ inner });
    for (let i = 0; i < 3; i++) {
      const there = client.encode(PING);
      assert.deepEqual(texts(fromClient.push(there)), texts(PING));
      const { encrypted, iv, tag, kid, ...rest } = envelope(there);
      assert.ok(![encrypted, iv, tag].some((part) => Buffer.from(part, "base64").includes("ping")));
      assert.equal(Buffer.from(iv, "base64").length, 12);
      assert.equal(Buffer.from(tag, "base64").length, 16);
      assert.equal(kid, "k1");
      assert.deepEqual(Object.keys(rest), i === 0 ? ["client", "opened"] : []);
      assert.deepEqual(texts(fromServer.push(server.encode(PING))), texts(PING));
    }
    assert.deepEqual([...fromClient.end(), ...fromServer.end()], []);
  }
});

Deno.test("sealed() uses a fresh vector for each frame, and seals the same text differently every time", () => {
  const keys = [key("k1")];
  const seen = new Set<string>(), vectors = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const { client } = hop({ keys });
    for (let j = 0; j < 10; j++) {
      const { encrypted, iv } = envelope(client.encode(PING));
      seen.add(encrypted);
      vectors.add(`${i} ${iv}`);
    }
  }
  assert.deepEqual([seen.size, vectors.size], [500, 500]);
});

Deno.test("sealed() survives any split of the bytes, and texts over 256 KiB", () => {
  const big = [request(1, "tools/call", { name: "x".repeat(700_000) }), ...PING];
  const { client, fromClient } = hop();
  const bytes = client.encode(big);
  const got: string[] = [];
  for (let at = 0; at < bytes.length; at += 9_973) {
    got.push(...texts(fromClient.push(bytes.slice(at, at + 9_973))));
  }
  assert.deepEqual(got, texts(big));
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (sizes) => {
    const { client, fromClient } = hop();
    const bytes = client.encode([...PING, ...PING]);
    const got: string[] = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      got.push(...texts(fromClient.push(bytes.slice(at, at + size))));
      at += size;
    }
    assert.deepEqual(got, texts([...PING, ...PING]));
  }));
});

Deno.test("sealed() refuses whatever was changed, and says so once", () => {
  const { client, fromClient } = hop();
  fromClient.push(client.encode(PING));
  const good = envelope(client.encode(PING));
  const flipped = Buffer.from(good.encrypted, "base64");
  flipped[3] ^= 1;
  const bad: readonly Record<string, unknown>[] = [
    { ...good, encrypted: flipped.toString("base64") },
    { ...good, tag: Buffer.alloc(16).toString("base64") },
    { ...good, tag: good.tag.slice(0, 8) },
    { ...good, iv: Buffer.alloc(12, 9).toString("base64") },
    { ...good, kid: "k2" },
    { ...good, client: "somebody", opened: 1 },
    { ...good, encrypted: 5 },
    { encrypted: "", iv: "", tag: "", kid: "" },
    {},
  ];
  for (const change of bad) {
    const scene = hop();
    const fresh = envelope(scene.client.encode(PING));
    scene.fromClient.push(framed(fresh));
    const second = envelope(scene.client.encode(PING));
    const sent = Object.fromEntries(
      Object.entries(change).map((
        [name, value],
      ) => [name, value === good[name] ? second[name] : value]),
    );
    const [refused, ...more] = scene.fromClient.push(framed(sent));
    assert.match(refused.problem!.message, /^Cannot open sealed frame: /, JSON.stringify(change));
    assert.ok(refused.problem!.fatal);
    assert.deepEqual([more, scene.fromClient.push(framed(second)), scene.fromClient.end()], [
      [],
      [],
      [],
    ]);
  }
});

Deno.test("sealed() refuses frames that are repeated, left out, turned round or sent back", () => {
  const frames = (client: Codec) => [client.encode(PING), client.encode(PING), client.encode(PING)];
  for (const order of [[0, 0], [0, 2], [1], [0, 1, 1], [0, 1, 0]]) {
    const { client, fromClient } = hop();
    const all = frames(client);
    const got = order.flatMap((at) => fromClient.push(all[at].slice()));
    assert.equal(got.length, order.length);
    assert.ok(got.at(-1)!.problem?.fatal, `${order}`);
  }
  const { client, fromServer } = hop();
  assert.ok(fromServer.push(client.encode(PING))[0].problem?.fatal);
});

Deno.test("sealed() refuses a connection that is played again, is too old, or was made before the listener", () => {
  let nowMs = 1_700_000_000_000;
  const now = () => nowMs;
  const keys = [key("k1")];
  const guard = new ReplayGuard(now);
  const { client, fromClient } = hop({ keys, guard, now });
  const record = [client.encode(PING), client.encode(PING)];
  assert.deepEqual(problems(record.flatMap((frame) => fromClient.push(frame.slice()))), [
    undefined,
    undefined,
  ]);
  const replay = (against: ReplayGuard) =>
    problems(hop({ keys, guard: against, now }).fromClient.push(record[0].slice()))[0];
  assert.match(replay(guard)!, /it has been opened before/);
  nowMs += 119_000;
  assert.match(replay(guard)!, /it has been opened before/);
  assert.match(replay(new ReplayGuard(now))!, /opened before this listener/);
  nowMs += 600_000;
  assert.match(replay(guard)!, /clocks differ/);
});

Deno.test("sealed() exchanges keys without a break, and knows only keys of its file", () => {
  const [old, fresh] = [key("old"), key("fresh")];
  const steps: readonly (readonly [client: HopKey[], server: HopKey[]])[] = [
    [[old], [old]],
    [[old], [old, fresh]],
    [[fresh, old], [old, fresh]],
    [[fresh], [fresh, old]],
    [[fresh], [fresh]],
  ];
  for (const [keys, serverKeys] of steps) {
    const { client, server, fromClient, fromServer } = hop({ keys, serverKeys });
    assert.deepEqual(texts(fromClient.push(client.encode(PING))), texts(PING));
    assert.deepEqual(texts(fromServer.push(server.encode(PING))), texts(PING));
  }
  const unknown = hop({ keys: [fresh], serverKeys: [old] });
  assert.match(
    problems(unknown.fromClient.push(unknown.client.encode(PING)))[0]!,
    /key is unknown/,
  );
  assert.equal(unknown.server.encode(PING).length, 0, "nothing is said in the clear");
  const other = hop({ keys: [key("k")], serverKeys: [key("k")] });
  assert.ok(other.fromClient.push(other.client.encode(PING))[0].problem?.fatal);
});

Deno.test("readKeys() takes names and 32 bytes, and tells the line that is wrong without its text", () => {
  const secret = randomBytes(32).toString("base64");
  const keys = readKeys(`# the new one first\nk2 ${secret}\n\n  k1\t${secret}  \n`, "f");
  assert.deepEqual(keys.map(({ id }) => id), ["k2", "k1"]);
  const bad: readonly (readonly [string, RegExp])[] = [
    ["", /there is none/],
    ["k1", /line 1/],
    [`k1 ${secret.slice(4)}`, /line 1/],
    [`a b ${secret}`, /line 1/],
    [`k1 ${secret}\nk/2 ${secret}`, /line 2/],
    [`k1 ${secret}\nk1 ${secret}`, /two have the name k1/],
    [Array.from({ length: 17 }, (_, i) => `k${i} ${secret}`).join("\n"), /more than 16/],
  ];
  for (const [text, expected] of bad) {
    assert.throws(() => readKeys(text, "f"), (error) => {
      assert.match(`${error}`, expected);
      assert.ok(!`${error}`.includes(secret.slice(4)));
      return true;
    });
  }
});
