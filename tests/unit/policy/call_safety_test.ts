import assert from "node:assert/strict";
import { request, result } from "../../../lib/core/compose.ts";
import { CallSafety, learning } from "../../../lib/policy/call_safety.ts";
import { callOf, toolCall } from "./calls.ts";

const ID = new TextEncoder().encode("1");

/** The answer to a list: a tool for each, named after its annotation. */
function listOf(...tools: [string, Record<string, boolean>?][]) {
  return result(ID, { tools: tools.map(([name, annotations]) => ({ name, annotations })) });
}

const LIST = request(1, "tools/list");
const isSafe = (safety: CallSafety, tool: string) => safety.isSafe(toolCall(tool).message);

Deno.test("CallSafety.isSafe() knows the methods that read", () => {
  const safety = new CallSafety();
  for (const method of ["ping", "tools/list", "resources/read", "prompts/get", "server/discover"]) {
    assert.equal(safety.isSafe(request(1, method)), true, method);
  }
  for (
    const method of ["initialize", "resources/subscribe", "logging/setLevel", "x", "tools/call"]
  ) {
    assert.equal(safety.isSafe(request(1, method)), false, method);
  }
});

Deno.test("CallSafety.isSafe() trusts a tool only by its annotation", () => {
  const safety = new CallSafety();
  assert.equal(isSafe(safety, "r"), false);
  safety.learn(
    LIST,
    listOf(
      ["r", { readOnlyHint: true }],
      ["i", { idempotentHint: true, destructiveHint: true }],
      ["w", { readOnlyHint: false }],
      ["n"],
    ),
  );
  assert.deepEqual(["r", "i", "w", "n", "x"].map((name) => isSafe(safety, name)), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("CallSafety.learn() adds the pages of a list, and begins anew with its first", () => {
  const safety = new CallSafety();
  safety.learn(LIST, listOf(["a", { readOnlyHint: true }]));
  safety.learn(request(2, "tools/list", { cursor: "2" }), listOf(["b", { readOnlyHint: true }]));
  assert.deepEqual([isSafe(safety, "a"), isSafe(safety, "b")], [true, true]);
  safety.learn(LIST, listOf(["c", { readOnlyHint: true }]));
  assert.deepEqual([isSafe(safety, "a"), isSafe(safety, "b"), isSafe(safety, "c")], [
    false,
    false,
    true,
  ]);
});

Deno.test("CallSafety.forget() trusts no tool any more", () => {
  const safety = new CallSafety();
  safety.learn(LIST, listOf(["a", { readOnlyHint: true }]));
  safety.forget();
  assert.equal(isSafe(safety, "a"), false);
});

Deno.test("CallSafety.learn() keeps no more than its limit, and then nothing at all", () => {
  const safety = new CallSafety();
  for (let page = 0; page < 100; page++) {
    const asked = request(1, "tools/list", { cursor: `${page}` });
    safety.learn(asked, listOf([`t${page}`, { readOnlyHint: true }]));
  }
  assert.equal(isSafe(safety, "t0"), false);
  assert.equal(isSafe(safety, "t99"), true);
});

Deno.test("CallSafety ignores lists that are none", () => {
  const safety = new CallSafety();
  for (const tools of [undefined, null, 7, [null], [{ annotations: { readOnlyHint: true } }]]) {
    safety.learn(LIST, result(ID, { tools }));
    assert.equal(isSafe(safety, "a"), false);
  }
});

Deno.test("learning() learns from the answers that pass", async () => {
  const safety = new CallSafety();
  const handle = learning(safety)(() => Promise.resolve(listOf(["a", { readOnlyHint: true }])));
  await handle(callOf("prompts/list"));
  assert.equal(isSafe(safety, "a"), false);
  await handle(callOf("tools/list"));
  assert.equal(isSafe(safety, "a"), true);
});
