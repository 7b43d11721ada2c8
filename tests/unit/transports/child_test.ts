import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import type { Command } from "../../../lib/core/connection.ts";
import { TransportError } from "../../../lib/core/errors.ts";
import { child, type ChildOptions } from "../../../transports/child.ts";
import { connectionContract } from "../../contract/connection_contract.ts";
import { bounded } from "../../fixtures/child_wait.ts";

const never = new AbortController().signal;

function sh(script: string, ...args: string[]): { url: URL; command: Command } {
  return {
    url: new URL("stdio:"),
    command: { program: "sh", args: ["-c", script, "sh", ...args] },
  };
}

async function open(endpoint: ReturnType<typeof sh>, options: ChildOptions = {}) {
  const transport = child(options);
  const connection = await transport.dial(endpoint, never);
  return {
    connection,
    peerEnded: connection.closed.catch(() => {}),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

connectionContract("child", (bufferBytesMax) => open(sh("exec cat"), { bufferBytesMax }));

Deno.test("child names its process as the peer", async () => {
  await using echo = await open(
    sh(`echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$$,\\"result\\":{}}"; cat`),
  );
  const { connection } = echo;
  const { value } = await connection.readable.getReader().read();
  const pid = new TextDecoder().decode(value![0].id);
  assert.deepEqual(connection.peer, { transport: "child", address: `pid ${pid}` });
});

Deno.test("child passes arguments, variables and directory as they are, without a shell", async () => {
  const cwd = await Deno.makeTempDir();
  const lines: string[] = [];
  const text = "; touch x $(touch y) `touch z` \"'*";
  const script = 'printf "%s\\n%s\\n%s\\n" "$1" "$TEXT" "$(pwd -P)" >&2';
  const { url, command } = sh(script, text);
  await using echo = await open(
    { url, command: { ...command, cwd, env: { TEXT: text } } },
    { onStderr: (line) => lines.push(line) },
  );
  await echo.connection.readable.getReader().read();
  await bounded(echo.connection.closed, "the end");
  await echo.connection[Symbol.asyncDispose]();
  assert.deepEqual(lines, [text, text, await Deno.realPath(cwd)]);
  assert.deepEqual([...Deno.readDirSync(cwd)], []);
  await Deno.remove(cwd);
});

Deno.test("child rejects closed with the exit code when the process fails", async () => {
  await using echo = await open(sh("exit 7"));
  assert.equal((await echo.connection.readable.getReader().read()).done, true);
  await assert.rejects(echo.connection.closed, {
    name: "TransportError",
    message: "Cannot reach sh: exited with code 7",
  });
});

Deno.test("child rejects closed with the signal when the process is killed", async () => {
  await using echo = await open(sh("kill -9 $$"));
  assert.equal((await echo.connection.readable.getReader().read()).done, true);
  await assert.rejects(echo.connection.closed, { message: "Cannot reach sh: ended by SIGKILL" });
});

Deno.test("child resolves closed when dispose() had to signal the process", async () => {
  await using echo = await open(sh("exec sleep 1000"), { graceMs: 50 });
  await bounded(echo.connection[Symbol.asyncDispose](), "dispose");
  await echo.connection.closed;
});

Deno.test("child delivers what was written when it is disposed right away", async () => {
  const path = await Deno.makeTempFile();
  const sent = Array.from({ length: 500 }, (_, i) => request(i, "ping", { text: "x".repeat(400) }));
  {
    await using sink = await open(sh('exec cat > "$1"', path));
    const writer = sink.connection.writable.getWriter();
    writer.closed.catch(() => {}); // the stream ends by dispose()
    for (const message of sent) void writer.write([message]);
  }
  assert.equal((await Deno.readTextFile(path)).split("\n").length, sent.length + 1);
  await Deno.remove(path);
});

Deno.test("child rejects dial() when the program is missing", async () => {
  await using transport = child();
  const url = new URL("stdio:");
  const dial = (program: string, cwd?: string) =>
    transport.dial({ url, command: { program, args: [], cwd } }, never);
  const wanted = (message: string) => ({ name: "TransportError", message });
  await assert.rejects(
    dial("no-such-program"),
    wanted("Cannot start no-such-program: no such program on PATH (ENOENT)"),
  );
  await assert.rejects(
    dial("/no/such"),
    wanted("Cannot start /no/such: no such file (ENOENT)"),
  );
  await assert.rejects(
    dial("sh", "/no/such/folder"),
    wanted("Cannot start sh: no such working directory: /no/such/folder"),
  );
  await assert.rejects(
    dial("/etc/passwd"),
    wanted("Cannot start /etc/passwd: not executable (EACCES)"),
  );
});

Deno.test("child refuses to listen, to dial without a command, and after its signal", async () => {
  await using transport = child();
  const url = new URL("stdio:");
  await assert.rejects(transport.listen({ url }, never), TransportError);
  await assert.rejects(transport.dial({ url }, never), /names no command/);
  const { command } = sh("exit 0");
  await assert.rejects(transport.dial({ url, command }, AbortSignal.abort()), /Cannot start sh/);
});

Deno.test("child refuses a line over the limit and takes nothing after it", async () => {
  const script = 'head -c 2000 /dev/zero | tr "\\0" x; echo; echo "{}"; cat';
  await using echo = await open(sh(script), { messageBytesMax: 1000 });
  const reader = echo.connection.readable.getReader();
  const { value } = await reader.read();
  assert.equal(value!.length, 1);
  assert.equal(value![0].problem?.failure, "PayloadTooLarge");
  assert.equal(value![0].problem?.fatal, true);
  assert.equal((await reader.read()).done, true);
});

Deno.test("child keeps messages intact while later ones arrive", async () => {
  await using echo = await open(sh("exec cat"));
  const writer = echo.connection.writable.getWriter();
  const reader = echo.connection.readable.getReader();
  const first = request(1, "ping", { text: "a".repeat(500) });
  await writer.write([first]);
  const held = (await reader.read()).value![0];
  for (let i = 2; i < 2000; i++) {
    await writer.write([request(i, "ping", { text: "b".repeat(500) })]);
    await reader.read();
  }
  assert.deepEqual(held.bytes, first.bytes);
});
