import assert from "node:assert/strict";
import {
  BufferBudget,
  BUFFERS_BYTES_MAX,
  PROCESS_BUFFERS,
} from "../../../lib/core/buffer_budget.ts";
import { notification } from "../../../lib/core/compose.ts";
import { Outbox } from "../../../lib/core/outbox.ts";
import { slowPeer, turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("x", { n });
const size = note(0).bytes.length;

Deno.test("outboxes share one budget and give back what was written", async () => {
  const budget = new BufferBudget(1000);
  const peers = [slowPeer(), slowPeer()];
  const outboxes = peers.map(({ connection }) => new Outbox(connection, { budget }));
  for (const outbox of outboxes) outbox.push(note(1));
  assert.equal(budget.usedBytes, 2 * size);
  await turn();
  for (const outbox of outboxes) outbox.push(note(2));
  assert.equal(budget.usedBytes, 4 * size);
  for (const peer of peers) await peer.takeOne();
  assert.equal(budget.usedBytes, 2 * size);
  for (const peer of peers) await peer.takeOne();
  assert.equal(budget.usedBytes, 0);
  for (const outbox of outboxes) await outbox.close();
  assert.equal(budget.usedBytes, 0);
});

Deno.test("admit() refuses new work over the budget, push() sends what has begun", async () => {
  const budget = new BufferBudget(2 * size);
  const full = slowPeer(), idle = slowPeer();
  const busy = new Outbox(full.connection, { budget }),
    other = new Outbox(idle.connection, { budget });
  busy.push(note(1));
  busy.push(note(2));
  assert.equal(other.admit(note(3)), undefined);
  assert.equal(budget.over, true);
  await assert.rejects(other.admit(note(4))!, { failure: "Overloaded", status: 503 });
  other.push(note(5));
  await idle.takeOne();
  assert.equal(idle.batches.flat().length, 2);
  await idle.takeOne();
  assert.equal(budget.over, false);
  assert.equal(other.admit(note(6)), undefined);
  await turn();
  for (const peer of [full, idle]) await peer.takeOne();
  for (const outbox of [busy, other]) await outbox.close();
  assert.equal(budget.usedBytes, 0);
});

Deno.test("messages in line count, and a broken connection gives everything back", async () => {
  const budget = new BufferBudget();
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection, { budget, bufferMessagesMax: 1 });
  outbox.push(note(0));
  await turn();
  outbox.push(note(1));
  const [withdrawn, refused] = [note(2), note(3)];
  const admissions = [withdrawn, refused].map((message) => outbox.admit(message)!);
  assert.equal(budget.usedBytes, 4 * size);
  assert.equal(outbox.withdraw(withdrawn), true);
  await admissions[0];
  assert.equal(budget.usedBytes, 3 * size);
  const refusal = assert.rejects(admissions[1], { failure: "Overloaded" });
  peer.fail(new Error("gone"));
  await refusal;
  await turn();
  outbox.push(note(4));
  await outbox.close();
  assert.equal(budget.usedBytes, 0);
});

Deno.test("the process has one budget of 256 MiB", () => {
  assert.equal(PROCESS_BUFFERS.bytesMax, BUFFERS_BYTES_MAX);
  assert.equal(BUFFERS_BYTES_MAX, 256 * 1024 * 1024);
});
