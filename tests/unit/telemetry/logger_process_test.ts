import assert from "node:assert/strict";

const SCRIPT = new URL("./logging_process.ts", import.meta.url).pathname;
const BOUND_MS = 60_000;

/** What the script reports; fails loudly when it hangs. */
async function report(child: Deno.ChildProcess): Promise<{ turns: number; dropped: number }> {
  const guard = setTimeout(() => child.kill("SIGKILL"), BOUND_MS);
  const text = await new Response(child.stdout).text();
  const status = await child.status;
  clearTimeout(guard);
  assert.equal(status.signal, null, "the process hung and was killed");
  assert.equal(status.code, 0);
  return JSON.parse(text);
}

function spawn(command: string, args: string[], stderr: "piped" | "null"): Deno.ChildProcess {
  return new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr }).spawn();
}

const RUN = ["run", "-A", "--quiet", SCRIPT];
const POSIX = Deno.build.os !== "windows";

Deno.test("createLogger() keeps the process going when nobody reads its standard error", async () => {
  const child = spawn(Deno.execPath(), RUN, "piped");
  const { turns, dropped } = await report(child);
  await child.stderr.cancel();
  assert.equal(turns, 250);
  assert(dropped > 0);
});

Deno.test({
  name: "createLogger() keeps the process going when the reader of standard error has gone",
  ignore: !POSIX,
  async fn() {
    const child = spawn(Deno.execPath(), RUN, "piped");
    await child.stderr.cancel();
    const { turns, dropped } = await report(child);
    assert.equal(turns, 250);
    assert(dropped > 0);
  },
});

Deno.test({
  name: "createLogger() keeps the process going when standard error is closed or full",
  ignore: Deno.build.os !== "linux",
  async fn() {
    for (const redirection of ["2>&-", "2>/dev/full"]) {
      const script = `exec "$0" "$@" ${redirection}`;
      const child = spawn("/bin/sh", ["-c", script, Deno.execPath(), ...RUN], "null");
      const { turns, dropped } = await report(child);
      assert.equal(turns, 250);
      if (redirection === "2>/dev/full") assert.equal(dropped, 251);
    }
  },
});
