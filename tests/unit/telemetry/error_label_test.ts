import assert from "node:assert/strict";
import { errorLabel } from "../../../lib/telemetry/error_label.ts";

Deno.test("errorLabel() passes known codes and nothing else", () => {
  assert.equal(errorLabel(-32602), "-32602");
  assert.equal(errorLabel(-31001), "-31001");
  assert.equal(errorLabel(-32002), "-32002");
  for (const code of [12345, "-32602", "secret", null, undefined, {}, NaN]) {
    assert.equal(errorLabel(code), "other");
  }
});
