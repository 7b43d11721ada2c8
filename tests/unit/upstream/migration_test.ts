import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import { LateReceiver } from "../../../lib/core/late_receiver.ts";
import { UpstreamClient } from "../../../lib/upstream/client.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";
import { callOf } from "../policy/calls.ts";
import { endpointScene, OPTIONS } from "./endpoint_scene.ts";

const LIMITS = { callDeadlineMs: 60_000, callDeadlineHardMs: 60_000, callsOpenMax: 100 };
const EVENTS = { lateAnswer() {}, badMessage() {} };

async function answerNext(peer: Peer, method: string, value: unknown = {}): Promise<void> {
  const message = (await peer.next())!;
  assert.equal(message.method, method);
  if (message.id !== undefined) peer.send(result(message.id, value));
}

async function scene() {
  const it = endpointScene("a", "b");
  it.down.add("a");
  const client = new UpstreamClient("t", it.set.dial, new LateReceiver(), EVENTS, LIMITS);
  const shaken = client.handshake(
    request(0, "initialize", {}),
    notification("notifications/initialized"),
  );
  while (it.peers.length === 0) await Promise.resolve();
  const [old] = it.peers;
  await answerNext(old, "initialize");
  await shaken;
  await answerNext(old, "notifications/initialized");
  it.down.clear();
  it.endpoints[0].noteBack();
  it.endpoints[0].noteGood();
  it.clock.tick(OPTIONS.switchMs);
  it.endpoints[0].noteGood();
  return { ...it, it, client, old };
}

/** The connection that is dialled next. */
async function nextPeer(peers: readonly Peer[]): Promise<Peer> {
  while (peers.length < 2) await new Promise((resolve) => setTimeout(resolve));
  return peers[1];
}

Deno.test("UpstreamClient moves: handshake first, new calls over the new connection, the old one ends with its last", async () => {
  const { it, client, old, set, peers } = await scene();
  using _time = it;
  const slow = client.request(callOf("tools/call", { name: "slow" }));
  const asked = (await old.next())!;
  set.reconsider();
  const next = await nextPeer(peers);
  const during = client.request(callOf("tools/list", undefined, { id: 2 }));
  await answerNext(old, "tools/list", "old");
  assert.equal((await during).json().result, "old");
  await answerNext(next, "initialize");
  await answerNext(next, "notifications/initialized");
  await new Promise((resolve) => setTimeout(resolve));
  const after = client.request(callOf("tools/list", undefined, { id: 3 }));
  await answerNext(next, "tools/list", "new");
  assert.equal((await after).json().result, "new");
  assert.equal(client.load, 1);
  old.send(result(asked.id!, "slow but sure"));
  assert.equal((await slow).json().result, "slow but sure");
  assert.equal(await old.next(), undefined);
  const ended = Promise.all(peers.map((peer) => peer.discard()));
  await client[Symbol.asyncDispose]();
  await ended;
});

Deno.test("UpstreamClient cancels calls on the connection that it moves away from", async () => {
  const { it, client, old, set, peers } = await scene();
  using _time = it;
  const call = callOf("tools/call", { name: "slow" });
  const slow = client.request(call);
  const asked = (await old.next())!;
  set.reconsider();
  const next = await nextPeer(peers);
  await answerNext(next, "initialize");
  await answerNext(next, "notifications/initialized");
  await new Promise((resolve) => setTimeout(resolve));
  client.cancel(call.session, notification("notifications/cancelled", { requestId: 1 }));
  await assert.rejects(slow, /cancelled/);
  const cancelled = (await old.next())!.json();
  assert.equal(cancelled.params.requestId, asked.json().id);
  const ended = Promise.all(peers.map((peer) => peer.discard()));
  await client[Symbol.asyncDispose]();
  await ended;
});

Deno.test("UpstreamClient stays where it is when the better endpoint cannot be had after all", async () => {
  const { it, client, old, set, peers, down } = await scene();
  using _time = it;
  down.add("a");
  set.reconsider();
  await new Promise((resolve) => setTimeout(resolve));
  const answer = client.request(callOf("tools/list"));
  const peer = peers.at(-1)!;
  if (peer !== old) {
    await answerNext(peer, "initialize");
    await answerNext(peer, "notifications/initialized");
  }
  await answerNext(old, "tools/list", "still here");
  assert.equal((await answer).json().result, "still here");
  const ended = Promise.all(peers.map((one) => one.discard()));
  await client[Symbol.asyncDispose]();
  await ended;
});
