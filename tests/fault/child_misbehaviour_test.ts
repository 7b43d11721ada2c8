import assert from "node:assert/strict";
import { request } from "../../lib/core/compose.ts";
import { child, type ChildOptions } from "../../transports/child.ts";
import { bounded } from "../fixtures/child_wait.ts";

async function start(script: string, options: ChildOptions = {}) {
  const transport = child(options);
  const command = { program: "sh", args: ["-c", script] };
  const signal = new AbortController().signal;
  const connection = await transport.dial({ url: new URL("stdio:"), command }, signal);
  return {
    connection,
    reader: connection.readable.getReader(),
    writer: connection.writable.getWriter(),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}';

Deno.test("a flood of 2 MB on stderr does not disturb the answers", async () => {
  let lineCount = 0, byteCount = 0, longest = 0;
  const onStderr = (line: string) => {
    lineCount++;
    byteCount += line.length;
    longest = Math.max(longest, line.length);
  };
  // 10,000 lines of 100 bytes, then one line of 1 MB.
  const flood = `yes "$(printf '%099d' 7)" | head -n 10000 >&2
    head -c 1000000 /dev/zero | tr '\\0' y >&2; echo '${ANSWER}'; exec cat`;
  await using misbehaving = await start(flood, { onStderr });
  const { value } = await bounded(misbehaving.reader.read(), "the answer");
  assert.equal(value![0].kind, "response");
  await misbehaving.connection[Symbol.asyncDispose]();
  assert.equal(lineCount, 10_001);
  assert.equal(longest, 8 * 1024);
  assert.equal(byteCount, 10_000 * 99 + longest);
});

Deno.test("a child that stops reading holds its writer back and ends all the same", async () => {
  const options = { bufferBytesMax: 100_000, graceMs: 100 };
  await using misbehaving = await start("exec sleep 1000", options);
  const { writer, connection } = misbehaving;
  const message = request(1, "ping", { text: "x".repeat(10_000) });
  const writes = Array.from({ length: 30 }, () => writer.write([message]).catch(() => "lost"));
  assert.ok(writer.desiredSize! < 0);
  await bounded(connection[Symbol.asyncDispose](), "dispose");
  assert.equal((await Promise.all(writes)).at(-1), "lost");
  await connection.closed;
});

Deno.test("a child that exits in the middle of a line leaves one invalid message", async () => {
  await using misbehaving = await start(`echo '${ANSWER}'; printf '{"jsonrpc":"2.0","id'; exit 1`);
  const { reader, connection } = misbehaving;
  const messages = [];
  for (;;) {
    const { done, value } = await bounded(reader.read(), "the end");
    if (done) break;
    messages.push(...value);
  }
  assert.deepEqual(messages.map(({ kind }) => kind), ["response", "invalid"]);
  assert.equal(messages[1].problem?.failure, "ParseError");
  await assert.rejects(connection.closed, /exited with code 1/);
});

Deno.test("garbage before a good line does not hide it", async () => {
  const script = `printf 'Listening...\\n\\n\\000\\377\\n[1]\\n'; echo '${ANSWER}'; exec cat`;
  await using misbehaving = await start(script);
  const kinds: string[] = [];
  while (kinds.at(-1) !== "response") {
    const { value } = await bounded(misbehaving.reader.read(), "a message");
    kinds.push(...value!.map(({ kind }) => kind));
  }
  assert.deepEqual(kinds, ["invalid", "invalid", "invalid", "response"]);
});

Deno.test("an endless line is refused at the limit and its child can be ended", async () => {
  const options = { messageBytesMax: 100_000, graceMs: 100 };
  await using misbehaving = await start("exec cat /dev/zero", options);
  const { reader, connection } = misbehaving;
  const { value } = await bounded(reader.read(), "the refusal");
  assert.equal(value![0].problem?.failure, "PayloadTooLarge");
  assert.equal((await reader.read()).done, true);
  await bounded(connection[Symbol.asyncDispose](), "dispose");
});

Deno.test("a child that nobody reads blocks on its pipe instead of filling memory", async () => {
  // Counts what it could write: at most its pipe (64 KiB), one read under way and one batch.
  const path = await Deno.makeTempFile();
  const script = `i=0; while [ $i -lt 4000 ]; do
    printf '%01023d\\n' 7; i=$((i+1)); echo $i > ${path}; done`;
  await using misbehaving = await start(script, { graceMs: 0 });
  const { reader } = misbehaving;
  await bounded(reader.read(), "a batch");
  const written = await settled(path);
  assert.ok(written < 400, `${written} KiB written`);
  await misbehaving.connection[Symbol.asyncDispose]();
  await Deno.remove(path);
});

/** The number in a file, once it has stayed the same for many looks. */
async function settled(path: string): Promise<number> {
  let last = NaN;
  for (let looks = 0; looks < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = Number(await Deno.readTextFile(path));
    looks = now === last ? looks + 1 : 0;
    last = now;
  }
  return last;
}

Deno.test("a write to a child that has gone is refused", async () => {
  await using misbehaving = await start("exit 0");
  const { reader, writer, connection } = misbehaving;
  writer.closed.catch(() => {}); // asserted through the write
  assert.equal((await bounded(reader.read(), "the end")).done, true);
  await connection.closed;
  await assert.rejects(writer.write([request(1, "ping")]), { name: "TransportError" });
});
