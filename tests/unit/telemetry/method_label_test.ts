import assert from "node:assert/strict";
import { methodLabel } from "../../../lib/telemetry/method_label.ts";

Deno.test("methodLabel() keeps MCP methods of every era and calls the rest other", () => {
  const known = ["initialize", "tools/call", "server/discover", "notifications/cancelled"];
  assert.deepEqual(known.map(methodLabel), known);
  for (const method of [undefined, "", "other", "tools/Call", "__proto__", "constructor"]) {
    assert.equal(methodLabel(method), "other");
  }
});
