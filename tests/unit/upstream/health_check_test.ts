import assert from "node:assert/strict";
import { failure, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import { checkHealth } from "../../../lib/upstream/health_check.ts";
import { memoryPair } from "../../../transports/memory.ts";
import { Peer } from "../../fixtures/memory_gateway.ts";

const PING = request(1, "ping");

/** A check of a server that answers so; it sees the connection end. */
async function check(answer: (asked: Message, peer: Peer) => void, signal?: AbortSignal) {
  const [ours, theirs] = memoryPair();
  const peer = new Peer(theirs);
  const serving = peer.next().then((asked) => {
    assert.equal(asked!.method, "ping");
    answer(asked!, peer);
  });
  try {
    return await checkHealth(
      () => Promise.resolve(ours),
      PING,
      signal ?? new AbortController().signal,
    );
  } finally {
    await serving;
    await peer.discard();
  }
}

Deno.test("checkHealth() is content with any answer of the server", async () => {
  assert.ok(await check(({ id }, peer) => peer.send(result(id!, {}))) >= 0);
  for (const kind of ["MethodNotFound", "InvalidRequest", "UpstreamProtocolError"] as const) {
    await check(({ id }, peer) => peer.send(failure(id, new GatewayError(kind, "no"))));
  }
});

Deno.test("checkHealth() takes an answer of the transport for what it is", async () => {
  const gone = new GatewayError("UpstreamUnavailable", "Cannot reach it: gone");
  await assert.rejects(check(({ id }, peer) => peer.send(failure(id, gone))), /gone/);
});

Deno.test("checkHealth() fails when the connection ends, or cannot be made", async () => {
  await assert.rejects(check((_, peer) => void peer.close()));
  const dial = () => Promise.reject(new Error("refused"));
  await assert.rejects(checkHealth(dial, PING, new AbortController().signal), /refused/);
});

Deno.test("checkHealth() ends at once when nobody wants to know any more", async () => {
  const stop = new AbortController();
  await assert.rejects(check(() => stop.abort(), stop.signal));
});
