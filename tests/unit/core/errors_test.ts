import assert from "node:assert/strict";
import { type Failure, WIRE_FORMS } from "../../../lib/core/errors.ts";

/** Those of 2026-07-28 that mean what the specification says. */
const OF_MCP: readonly Failure[] = ["HeaderMismatch", "MissingCapability", "UnsupportedVersion"];

Deno.test("WIRE_FORMS uses no code that the specification keeps for itself", () => {
  assert.deepEqual(OF_MCP.map((name) => WIRE_FORMS[name].code), [-32020, -32021, -32022]);
  for (const [name, { code }] of Object.entries(WIRE_FORMS)) {
    if (OF_MCP.includes(name as Failure)) continue;
    assert.ok(code < -32099 || code > -32000, `${name}: ${code}`);
    if (code < -32000) assert.ok(code <= -32600 && code >= -32700, `${name}: one of JSON-RPC`);
  }
});
