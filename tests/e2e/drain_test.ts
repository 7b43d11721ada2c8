import assert from "node:assert/strict";
import { connectSdkClient } from "../contract/sdk_client.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { everythingServer, faultyServer } from "../fixtures/servers.ts";
import { sluice, type SluiceServe, startServe } from "../fixtures/sluice.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";
import { testCompiled } from "./compiled.ts";

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testCompiled(`serve answers the running call after ${signal}, then ends with 0`, async () => {
    await using serve = await startServe(everythingServer());
    await using sdk = await connectSdkClient(asDoor(serve));
    const { answer, running } = longCall(sdk, 1);
    await bounded(running, "progress of the call");
    serve.signal(signal);
    assert.match(JSON.stringify(await bounded(answer, "the answer")), /operation completed/);
    const { code } = await bounded(serve.status, "the end of serve");
    assert.equal(code, 0, serve.stderr());
    await assert.rejects(fetch(serve.url), "it still listens");
  });
}

testCompiled("serve ends at once at the second SIGTERM", async () => {
  await using serve = await startServe(everythingServer());
  await using sdk = await connectSdkClient(asDoor(serve));
  const { answer, running } = longCall(sdk, 600);
  answer.catch(() => {}); // it cannot be answered
  await bounded(running, "progress of the call");
  serve.signal("SIGTERM");
  // The listener closes first: from here on the second signal finds a drain under way.
  await bounded(refused(serve.url), "the end of the listener");
  serve.signal("SIGTERM");
  assert.equal((await bounded(serve.status, "the end of serve")).signal, null);
});

testCompiled("proxy answers the running call after SIGTERM, then ends with 0", async () => {
  const { program, args } = faultyServer();
  await using peer = startStdioPeer(sluice("proxy", "--", program, ...args));
  await peer.initialize();
  const params = { name: "echo", arguments: { ms: 1000, nonce: "late" } };
  const call = { jsonrpc: "2.0", id: "call", method: "tools/call", params };
  await peer.sendLine(JSON.stringify(call));
  await peer.request("ping"); // its answer says that the call has been read, too
  Deno.kill(peer.pid, "SIGTERM");
  const answer = JSON.parse(await peer.nextLine());
  assert.equal(answer.id, "call");
  assert.match(JSON.stringify(answer.result), /late/);
  assert.equal((await bounded(peer.status, "the end of proxy")).code, 0, await peer.log);
});

function asDoor(serve: SluiceServe) {
  return {
    door: { url: serve.url },
    log: serve.stderr,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A call that takes so long, and a promise that it has begun. */
function longCall({ client }: Awaited<ReturnType<typeof connectSdkClient>>, duration: number) {
  const { promise: running, resolve } = Promise.withResolvers<void>();
  const name = "trigger-long-running-operation";
  const answer = client.callTool(
    { name, arguments: { duration, steps: duration * 10 } },
    undefined,
    { onprogress: () => resolve() },
  );
  return { answer, running };
}

async function refused(url: URL): Promise<void> {
  for (;;) {
    try {
      await (await fetch(url, { method: "OPTIONS" })).body?.cancel();
    } catch {
      return;
    }
  }
}
