import assert from "node:assert/strict";
import { OpenCalls } from "../../../lib/bench/open_calls.ts";

Deno.test("OpenCalls gives each time back once, also around calls that stay open", () => {
  const open = new OpenCalls();
  open.add(0, 0.5);
  for (let id = 1; id < 1000; id++) {
    assert.ok(open.add(id, id));
    assert.equal(open.take(id), id);
    assert.equal(open.take(id), -1);
  }
  assert.equal(open.size, 1);
  assert.equal(open.take(0), 0.5);
  assert.equal(open.size, 0);
});

Deno.test("OpenCalls takes out what is older than a moment", () => {
  const open = new OpenCalls();
  for (let id = 0; id < 100; id++) open.add(id, id);
  assert.equal(open.takeBefore(40).length, 40);
  assert.equal(open.size, 60);
  assert.equal(open.take(39), -1);
  assert.equal(open.take(40), 40);
});
