import assert from "node:assert/strict";
import { notification } from "../../../../lib/core/compose.ts";
import type { Ws } from "../../../../transports/websocket/library.ts";
import { Receiving } from "../../../../transports/websocket/receiving.ts";

const LARGE = notification("notifications/message", { data: "x".repeat(40 * 1024) });
const SMALL = notification("n", {});

/** A receiving side and what it did to its socket. */
function scene() {
  const told: string[] = [];
  const ws = { pause: () => told.push("pause"), resume: () => told.push("resume") };
  return { told, receiving: new Receiving(ws as unknown as Ws) };
}

Deno.test("add() pauses the peer when more than 64 KiB wait and nobody reads", () => {
  const { told, receiving } = scene();
  receiving.add([LARGE]);
  assert.deepEqual(told, []);
  receiving.add([LARGE]);
  receiving.add([LARGE]);
  assert.deepEqual(told, ["pause"]);
  assert.equal(receiving.isPaused, true);
});

Deno.test("add() pauses the peer when more than 1000 messages wait", () => {
  const { told, receiving } = scene();
  receiving.add(new Array(1000).fill(SMALL));
  assert.deepEqual(told, []);
  receiving.add([SMALL]);
  assert.deepEqual(told, ["pause"]);
});

Deno.test("add() pauses the peer also when somebody reads, until that has been handed on", async () => {
  const { told, receiving } = scene();
  const reader = receiving.stream.getReader();
  const reading = reader.read();
  await Promise.resolve(); // the stream asks for the first batch
  for (let i = 0; i < 50; i++) receiving.add([LARGE]);
  assert.deepEqual(told, ["pause"], "in the turn that brought them");
  assert.equal((await reading).value!.length, 50);
  assert.deepEqual(told, ["pause", "resume"]);
  assert.equal(receiving.waitingBytes, 0);
});

Deno.test("finish() lets a peer go on that was paused, so that its end is seen", () => {
  const { told, receiving } = scene();
  receiving.add([LARGE, LARGE]);
  receiving.finish();
  assert.deepEqual(told, ["pause", "resume"]);
});
