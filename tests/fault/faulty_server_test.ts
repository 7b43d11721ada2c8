import assert from "node:assert/strict";
import { echoServer, faultyServer } from "../fixtures/servers.ts";
import { startStdioPeer, type StdioPeer } from "../fixtures/stdio_peer.ts";

function call(peer: StdioPeer, faultyArguments: Record<string, unknown>) {
  return peer.request("tools/call", { name: "echo", arguments: faultyArguments });
}

function callLine(id: number, faultyArguments: Record<string, unknown>): string {
  const params = { name: "echo", arguments: faultyArguments };
  return JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params });
}

async function exists(pid: number): Promise<boolean> {
  const { success } = await new Deno.Command("kill", { args: ["-0", `${pid}`], stderr: "null" })
    .output();
  return success;
}

Deno.test("echo_server answers a call with its arguments as text", async () => {
  await using peer = startStdioPeer(echoServer());
  const initialized = await peer.initialize("2025-06-18");
  assert.equal(initialized.result.protocolVersion, "2025-06-18");
  const answer = await call(peer, { a: "é\n" });
  assert.equal(answer.result.content[0].text, JSON.stringify({ a: "é\n" }));
  await peer.closeInput();
  assert.equal((await peer.status).code, 0);
});

Deno.test("faulty_server counts executed nonces in its ledger", async () => {
  const ledger = await Deno.makeTempFile();
  try {
    await using peer = startStdioPeer(faultyServer(ledger));
    await peer.initialize();
    await call(peer, { nonce: "one" });
    await call(peer, { nonce: "two", fault: "rpcerr" });
    assert.equal(await Deno.readTextFile(ledger), "one\ntwo\n");
  } finally {
    await Deno.remove(ledger);
  }
});

Deno.test("faulty_server answers with the raw line when the fault is raw", async () => {
  await using peer = startStdioPeer(faultyServer());
  const line = callLine(1, { fault: "raw" }).replace(
    `"fault"`,
    `"x":1.0, "big":9007199254740993,"fault"`,
  );
  await peer.sendLine(line);
  assert.equal(JSON.parse(await peer.nextLine()).result.content[0].text, line);
});

Deno.test("faulty_server ends with status 7 when the fault is exit", async () => {
  await using peer = startStdioPeer(faultyServer());
  await peer.sendLine(callLine(1, { fault: "exit" }));
  assert.equal((await peer.status).code, 7);
});

Deno.test("faulty_server dies of SIGKILL when the fault is abort", async () => {
  await using peer = startStdioPeer(faultyServer());
  await peer.sendLine(callLine(1, { fault: "abort" }));
  assert.equal((await peer.status).signal, "SIGKILL");
});

Deno.test("faulty_server answers twice when the fault is dup", async () => {
  await using peer = startStdioPeer(faultyServer());
  await peer.sendLine(callLine(1, { fault: "dup" }));
  assert.equal(await peer.nextLine(), await peer.nextLine());
});

Deno.test("faulty_server sends n progress notifications first when the fault is notify", async () => {
  await using peer = startStdioPeer(faultyServer());
  await peer.sendLine(callLine(1, { fault: "notify", n: 2 }));
  for (const progress of [0, 1]) {
    assert.equal(JSON.parse(await peer.nextLine()).params.progress, progress);
  }
  assert.equal(JSON.parse(await peer.nextLine()).id, 1);
});

Deno.test("faulty_server asks the client and answers with what it said when the fault is ask", async () => {
  await using peer = startStdioPeer(faultyServer());
  await peer.sendLine(callLine(1, { fault: "ask", nonce: "n" }));
  const question = JSON.parse(await peer.nextLine());
  assert.equal(question.method, "sampling/createMessage");
  await peer.sendLine(JSON.stringify({ jsonrpc: "2.0", id: question.id, result: { said: "yes" } }));
  const answer = JSON.parse(await peer.nextLine());
  assert.deepEqual(JSON.parse(answer.result.content[0].text).result, { said: "yes" });
});

for (const fault of ["spawn", "spawn-setsid"]) {
  Deno.test(`faulty_server leaves a running grandchild when the fault is ${fault}`, async () => {
    await using peer = startStdioPeer(faultyServer());
    const answer = await call(peer, { fault });
    const { grandchild } = JSON.parse(answer.result.content[0].text);
    try {
      await peer.closeInput();
      await peer.status;
      assert.ok(await exists(grandchild));
    } finally {
      Deno.kill(grandchild, "SIGKILL");
    }
  });
}

Deno.test("faulty_server keeps answering after SIGTERM when the fault is stubborn", async () => {
  await using peer = startStdioPeer(faultyServer());
  await call(peer, { fault: "stubborn" });
  Deno.kill(peer.pid, "SIGTERM");
  assert.notEqual((await call(peer, {})).result, undefined);
});
