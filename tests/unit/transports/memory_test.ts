import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import { memoryPair } from "../../../transports/memory.ts";
import { connectionContract } from "../../contract/connection_contract.ts";

connectionContract("memory", (bufferBytesMax) => {
  const [connection, far] = memoryPair({ bufferBytesMax });
  const peerEnded = far.readable.pipeTo(far.writable).catch(() => {});
  return Promise.resolve({
    connection,
    peerEnded,
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  });
});

Deno.test("memoryPair() hands over the very same batch", async () => {
  const [near, far] = memoryPair();
  const batch = [request(1, "ping")];
  void near.writable.getWriter().write(batch);
  assert.equal((await far.readable.getReader().read()).value, batch);
});

Deno.test("memoryPair() lets the peer read what was written before dispose()", async () => {
  const [near, far] = memoryPair();
  const writer = near.writable.getWriter();
  const writes = [writer.write([request(1, "ping")]), writer.write([request(2, "ping")])];
  writer.closed.catch(() => {}); // the stream ends by dispose()
  await near[Symbol.asyncDispose]();
  await near.closed;
  const reader = far.readable.getReader();
  assert.equal((await reader.read()).value?.length, 1);
  assert.equal((await reader.read()).value?.length, 1);
  assert.equal((await reader.read()).done, true);
  await Promise.all(writes);
  await far.closed;
});

Deno.test("memoryPair() tells the writer when the peer has gone", async () => {
  const [near, far] = memoryPair();
  const writer = near.writable.getWriter();
  writer.closed.catch(() => {}); // asserted through the write
  await far[Symbol.asyncDispose]();
  await assert.rejects(writer.write([request(1, "ping")]), /the peer closed it/);
  assert.equal((await near.readable.getReader().read()).done, true);
  await near.closed;
});
