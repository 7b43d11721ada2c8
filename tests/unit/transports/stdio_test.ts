import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Command } from "../../../lib/core/connection.ts";
import { child } from "../../../transports/child.ts";
import { stdio } from "../../../transports/stdio.ts";
import { connectionContract } from "../../contract/connection_contract.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { startStdioPeer } from "../../fixtures/stdio_peer.ts";

const fixture = fileURLToPath(new URL("../../fixtures/child_stdio_echo.ts", import.meta.url));
const command: Command = { program: Deno.execPath(), args: ["run", "-A", fixture] };
const url = new URL("stdio:");
const never = new AbortController().signal;

// The far end of each connection is the stdio transport, in a process of its own.
connectionContract("stdio", async (bufferBytesMax) => {
  const transport = child({ bufferBytesMax });
  const connection = await transport.dial({ url, command }, never);
  return {
    connection,
    peerEnded: connection.closed.catch(() => {}),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
});

Deno.test("stdio delivers a last message without a line end, then ends in order", async () => {
  const process = new Deno.Command(command.program, {
    args: [...command.args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  const line = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  await writer.write(new TextEncoder().encode(`${line}\r\n\n${line}`));
  await writer.close();
  const { stdout, stderr, code } = await bounded(process.output(), "the end");
  assert.equal(new TextDecoder().decode(stdout), `${line}\n${line}\n`);
  assert.equal(new TextDecoder().decode(stderr), "closed in order\n");
  assert.equal(code, 0);
});

Deno.test("stdio ends in order when nobody reads its output any more", async () => {
  const process = new Deno.Command(command.program, {
    args: [...command.args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log = new Response(process.stderr).text();
  const writer = process.stdin.getWriter();
  const line = new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  const reader = process.stdout.getReader();
  await writer.write(line);
  await bounded(reader.read(), "the first answer");
  await reader.cancel();
  // stdin stays open: the broken stdout alone must end it. More than one line, as Deno 2.6.8 closes the
  // pipe only some time after cancel() has resolved, and until then an answer is still taken.
  let hasEnded = false;
  void process.status.then(() => hasEnded = true);
  const writing = (async () => {
    while (!hasEnded) {
      await writer.write(line).catch(() => {}); // its reader has gone
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  assert.equal((await bounded(process.status, "the end")).code, 0);
  await writing;
  assert.match(await log, /closed in order/);
  await writer.close().catch(() => {}); // its reader has gone
});

Deno.test("stdio keeps its process alive and quiet between messages", async () => {
  await using peer = startStdioPeer(command);
  for (let id = 0; id < 3; id++) {
    await peer.sendLine(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    assert.equal(await peer.nextLine(), `{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
  }
  await peer.closeInput();
  assert.equal((await peer.status).code, 0);
});

Deno.test("stdio refuses to dial", async () => {
  await assert.rejects(stdio().dial({ url }, never), /Cannot dial stdio:/);
});
