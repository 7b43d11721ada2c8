import assert from "node:assert/strict";
import { atMost, pause } from "../../../lib/core/waiting.ts";

Deno.test("pause() resolves after its time, and rejects with the reason when its signal aborts", async () => {
  const { signal } = new AbortController();
  await pause(0, signal);
  await pause(1, signal);
  const ending = new AbortController();
  const waiting = pause(60_000, ending.signal);
  ending.abort(new Error("closed"));
  await assert.rejects(waiting, /closed/);
  await assert.rejects(pause(0, ending.signal), /closed/);
});

Deno.test("atMost() resolves with its promise or after its time, and rejects with its promise", async () => {
  await atMost(60_000, Promise.resolve());
  await atMost(1, new Promise(() => {}));
  await assert.rejects(atMost(60_000, Promise.reject(new Error("failed"))), /failed/);
});
