import assert from "node:assert/strict";
import { lockFile } from "../../../../lib/auth/oauth_client/file_lock.ts";

const NEVER = new AbortController().signal;

async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/it.lock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("lockFile() lets one in at a time", () =>
  withPath(async (path) => {
    let inside = 0, most = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      using _lock = await lockFile(path, NEVER);
      most = Math.max(most, ++inside);
      await Deno.stat(path); // somebody else could come in
      inside--;
    }));
    assert.equal(most, 1);
  }));

Deno.test("lockFile() stops waiting when the signal aborts, and gives back what comes later", () =>
  withPath(async (path) => {
    const held = await lockFile(path, NEVER);
    const stopped = new AbortController();
    const waiting = lockFile(path, stopped.signal);
    stopped.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    held[Symbol.dispose]();
    (await lockFile(path, NEVER))[Symbol.dispose](); // it was given back
  }));

Deno.test("lockFile() takes over from a process that was killed", () =>
  withPath(async (path) => {
    const module = new URL("../../../../lib/auth/oauth_client/file_lock.ts", import.meta.url).href;
    const program = `
      const { lockFile } = await import(${JSON.stringify(module)});
      await lockFile(${JSON.stringify(path)}, new AbortController().signal);
      console.log("held");
      setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value).trim(), "held");
    const waiting = lockFile(path, NEVER);
    child.kill("SIGKILL");
    (await waiting)[Symbol.dispose]();
    await child.status;
    await reader.cancel();
  }));
