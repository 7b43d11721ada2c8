import assert from "node:assert/strict";
import { type Failure, GatewayError } from "../../../../lib/core/errors.ts";
import { closeCodeOf } from "../../../../transports/websocket/close_codes.ts";

Deno.test("closeCodeOf() tells why a connection was ended", () => {
  const codes: [Failure, number][] = [
    ["Overloaded", 1013],
    ["PayloadTooLarge", 1009],
    ["PolicyDenied", 1008],
    ["ParseError", 1008],
    ["InternalError", 1011],
  ];
  for (const [failure, code] of codes) {
    assert.equal(closeCodeOf(new GatewayError(failure, "x")), code);
  }
});
