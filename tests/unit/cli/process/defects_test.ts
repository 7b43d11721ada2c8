import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MODULE = fileURLToPath(new URL("../../../../cli/process/defects.ts", import.meta.url));

/** Runs a script with defects, as a process of its own. */
async function run(script: string): Promise<{ code: number; said: string }> {
  const text = `import { listenForDefects, takeDefects } from ${JSON.stringify(MODULE)};
    listenForDefects((error) => { console.log("ended by", error.message); Deno.exit(1); });
    ${script}`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", text],
    stdout: "piped",
    stderr: "null",
  }).output();
  return { code, said: new TextDecoder().decode(stdout) };
}

Deno.test("listenForDefects() ends a command with what nobody caught", async () => {
  const { code, said } = await run(`Promise.reject(new Error("lost"));`);
  assert.deepEqual([code, said], [1, "ended by lost\n"]);
});

Deno.test("takeDefects() keeps the process alive until it is disposed", async () => {
  const { code, said } = await run(`
    const taking = takeDefects((error) => console.log("took", error.message));
    Promise.reject(new Error("one"));
    setTimeout(() => { throw new Error("two"); }, 0);
    setTimeout(() => {
      taking[Symbol.dispose]();
      Promise.reject(new Error("three"));
    }, 50);`);
  assert.deepEqual([code, said], [1, "took one\ntook two\nended by three\n"]);
});
