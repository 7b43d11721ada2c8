import assert from "node:assert/strict";
import net from "node:net";
import { attemptsMax, SelfProbe } from "../../../../transports/guard/self_probe.ts";
import { bounded } from "../../../fixtures/child_wait.ts";

const TIMES = { intervalMs: 5, timeoutMs: 50 };

/** A listener that is bound, and accepts nothing that anybody hears of. */
async function bind(onAccept: () => void): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on("error", () => {}).resume();
    onAccept();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return server;
}

function addressOf(server: net.Server) {
  return { host: "127.0.0.1", port: (server.address() as net.AddressInfo).port };
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

Deno.test("SelfProbe leaves a listener alone that accepts", async () => {
  let relistens = 0;
  let count = 0;
  const fifth = Promise.withResolvers<void>();
  const server = await bind(() => {
    probe.accepted();
    if (++count === 5) fifth.resolve();
  });
  const relisten = () => Promise.resolve(void relistens++);
  const times = { intervalMs: 5, timeoutMs: 60_000 };
  const probe = new SelfProbe({ address: addressOf(server), relisten }, times);
  await bounded(fifth.promise, "five probes");
  probe.close();
  assert.equal(relistens, 0);
  await close(server);
});

Deno.test("SelfProbe has a listener bound anew that accepts without telling anybody", async () => {
  const server = await bind(() => {});
  const relistened = Promise.withResolvers<void>();
  const relisten = () => Promise.resolve(relistened.resolve());
  const probe = new SelfProbe({ address: addressOf(server), relisten }, TIMES);
  await bounded(relistened.promise, "the listener bound anew");
  probe.close();
  await close(server);
});

Deno.test("SelfProbe has a listener bound anew that refuses connections", async () => {
  const server = await bind(() => {});
  const address = addressOf(server);
  await close(server);
  const relistened = Promise.withResolvers<void>();
  const relisten = () => Promise.resolve(relistened.resolve());
  const probe = new SelfProbe({ address, relisten }, { intervalMs: 5, timeoutMs: 60_000 });
  await bounded(relistened.promise, "the listener bound anew");
  probe.close();
});

Deno.test("SelfProbe connects until the process that it is in has accepted, where several listen", async () => {
  let relistens = 0, connections = 0, own = 0;
  const fifth = Promise.withResolvers<void>();
  const server = await bind(() => {
    if (++connections % 7 > 0) return; // as if another process had got it
    probe.accepted();
    if (++own === 5) fifth.resolve();
  });
  const relisten = () => Promise.resolve(void relistens++);
  const times = { intervalMs: 5, timeoutMs: 60_000 };
  const probe = new SelfProbe({ address: addressOf(server), sharedBy: 4, relisten }, times);
  await bounded(fifth.promise, "five connections of its own");
  probe.close();
  assert.equal(relistens, 0);
  assert.equal(connections, 35);
  await close(server);
});

Deno.test("SelfProbe has a listener bound anew that gets none of many connections", async () => {
  let connections = 0;
  const server = await bind(() => connections++);
  const relistened = Promise.withResolvers<void>();
  const relisten = () => Promise.resolve(relistened.resolve());
  const probe = new SelfProbe({ address: addressOf(server), sharedBy: 2, relisten }, TIMES);
  await bounded(relistened.promise, "the listener bound anew");
  probe.close();
  await close(server);
  assert.ok(connections >= attemptsMax(2), `${connections} connections`);
});

Deno.test("attemptsMax() grows with the processes that share a port", () => {
  assert.deepEqual([1, 2, 4, 64].map(attemptsMax), [1, 30, 73, 1316]);
});
