import assert from "node:assert/strict";
import { request } from "../../lib/core/compose.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { child, type ChildOptions } from "../../transports/child.ts";
import { processTable } from "../../transports/process/table.ts";
import { allGone, bounded, isRunning } from "../fixtures/child_wait.ts";

const GRACE_MS = 150;

/** Prints the process ids given, as one message. */
const REPORT = (pids: string) =>
  `echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":\\"${pids}\\",\\"result\\":{}}"`;

/** Starts a script that reports the processes of its tree in its first line. */
async function startTree(script: string, options: ChildOptions = {}) {
  const transport = child({ graceMs: GRACE_MS, ...options });
  const command = { program: "sh", args: ["-c", script] };
  const signal = new AbortController().signal;
  const connection = await transport.dial({ url: new URL("stdio:"), command }, signal);
  const reader = connection.readable.getReader();
  const { value } = await bounded(reader.read(), "the first line");
  const pids: number[] = value![0].json().id.trim().split(" ").map(Number);
  return {
    connection,
    reader,
    pids,
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a child that ignores EOF is ended by SIGTERM", async () => {
  const path = await Deno.makeTempFile();
  const script = `trap 'echo term > ${path}; exit 0' TERM; ${
    REPORT("$$")
  }; while :; do sleep 0.01; done`;
  {
    await using tree = await startTree(script);
    await bounded(tree.connection[Symbol.asyncDispose](), "dispose");
    assert.deepEqual(tree.pids.filter(isRunning), []);
  }
  assert.equal(await Deno.readTextFile(path), "term\n");
  await Deno.remove(path);
});

Deno.test("a child that ignores EOF and SIGTERM is killed", async () => {
  await using tree = await startTree(`trap '' TERM; ${REPORT("$$")}; while :; do sleep 0.01; done`);
  await bounded(tree.connection[Symbol.asyncDispose](), "dispose");
  assert.deepEqual(tree.pids.filter(isRunning), []);
  await tree.connection.closed;
});

Deno.test("grandchildren end with their child, those that ignore SIGTERM too", async () => {
  const script = `sleep 1000 & a=$!; (trap '' TERM; exec sleep 1000) & b=$!; ${
    REPORT("$$ $a $b")
  }; cat >/dev/null`;
  await using tree = await startTree(script);
  assert.equal(tree.pids.filter(isRunning).length, 3);
  await bounded(tree.connection[Symbol.asyncDispose](), "dispose");
  assert.deepEqual(tree.pids.filter(isRunning), []);
});

Deno.test({
  name: "grandchildren in sessions of their own end with their child",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // The middle process ends, so that the last one has neither parent, group nor session in common.
    const path = await Deno.makeTempFile();
    const script = `sh -c 'setsid sh -c "echo \\$\\$ > ${path}; exec sleep 1000" & ' ;
      while [ ! -s ${path} ]; do sleep 0.01; done; read pid < ${path}; ${
      REPORT("$$ $pid")
    }; exec cat`;
    await using tree = await startTree(script);
    assert.equal(tree.pids.filter(isRunning).length, 2);
    await bounded(tree.connection[Symbol.asyncDispose](), "dispose");
    assert.deepEqual(tree.pids.filter(isRunning), []);
    await Deno.remove(path);
  },
});

Deno.test("grandchildren in sessions of their own end where only ps shows processes", async () => {
  // The parent has to live until the first look: afterwards nothing in ps ties the grandchild to it.
  const script = `setsid sleep 1000 & a=$!; ${REPORT("$$ $a")}; trap '' TERM; cat; exec sleep 1000`;
  const table = processTable("darwin");
  await using tree = await startTree(script, { table });
  assert.equal(tree.pids.filter(isRunning).length, 2);
  await bounded(tree.connection[Symbol.asyncDispose](), "dispose");
  await allGone(tree.pids, 10_000);
});

Deno.test("what a child leaves behind is swept when it exits by itself", async () => {
  const script = `sleep 1000 & a=$!; setsid sleep 1000 & b=$!; ${REPORT("$a $b")}; exit 3`;
  await using tree = await startTree(script);
  // Both hold its stdout open: the end of the stream tells that they have gone.
  assert.equal((await bounded(tree.reader.read(), "the end")).done, true);
  await assert.rejects(tree.connection.closed, /exited with code 3/);
  await allGone(tree.pids, 10_000);
});

Deno.test("abort() kills the tree at once, also while dispose() waits", async () => {
  const script = `trap '' TERM; (trap '' TERM; exec sleep 1000) & a=$!; ${
    REPORT("$$ $a")
  }; while :; do sleep 0.01; done`;
  await using tree = await startTree(script, { graceMs: 1_000_000 });
  const disposed = tree.connection[Symbol.asyncDispose]();
  tree.connection.abort(new GatewayError("Overloaded", "Cannot wait"));
  await bounded(disposed, "dispose");
  await allGone(tree.pids, 10_000);
});

Deno.test("a hundred children end together without a process left", async () => {
  await using transport = child({ graceMs: 10_000 });
  const signal = new AbortController().signal;
  const command = { program: "cat", args: [] };
  const dial = () => transport.dial({ url: new URL("stdio:"), command }, signal);
  const connections = await Promise.all(Array.from({ length: 100 }, dial));
  const pids = connections.map(({ peer }) => Number(peer.address.slice("pid ".length)));
  assert.equal(pids.filter(isRunning).length, 100);
  await connections[0].writable.getWriter().write([request(1, "ping")]);
  const disposals = connections.map((connection) => connection[Symbol.asyncDispose]());
  await bounded(Promise.all(disposals), "all disposals");
  assert.deepEqual(pids.filter(isRunning), []);
});

Deno.test("a child sees the end of its stdin while children started later live on", async () => {
  await using transport = child();
  const signal = new AbortController().signal;
  const command = { program: "cat", args: [] };
  const dial = () => transport.dial({ url: new URL("stdio:"), command }, signal);
  await using first = await dial();
  await using second = await dial();
  await first.writable.close();
  assert.equal((await first.readable.getReader().read()).done, true);
  await bounded(first.closed, "the end of the first"); // nothing but the end of file ends it
  assert.equal(isRunning(Number(second.peer.address.slice("pid ".length))), true);
});
