import assert from "node:assert/strict";
import { errorLine, exitCodeOf } from "../../../cli/errors.ts";
import { ConfigError, GatewayError, TransportError, UsageError } from "../../../lib/core/errors.ts";

Deno.test("errorLine() reads sluice: what: why; what to do", () => {
  const golden: [unknown, number, string][] = [
    [new UsageError("Cannot run: no", "do it"), 2, "sluice: Cannot run: no; do it"],
    [new ConfigError("Cannot read: no", "do it"), 2, "sluice: Cannot read: no; do it"],
    [
      new TransportError("Cannot listen on 127.0.0.1:80: address already in use"),
      1,
      "sluice: Cannot listen on 127.0.0.1:80: address already in use; stop what listens there, or choose another port",
    ],
    [
      new TransportError("Cannot dial http://h/: it hung up"),
      1,
      "sluice: Cannot dial http://h/: it hung up; see whether the other side runs and answers",
    ],
    [
      new GatewayError("InternalError", "Cannot do: why"),
      1,
      "sluice: Cannot do: why; --log-level debug tells more",
    ],
    [
      new Deno.errors.ConnectionRefused("Connection refused (os error 111)"),
      1,
      "sluice: Connection refused (os error 111); start the server, or correct its URL",
    ],
    [
      new TypeError("x is not a function"),
      1,
      "sluice: x is not a function; this is a fault of sluice: please report it",
    ],
    ["text", 1, "sluice: text; this is a fault of sluice: please report it"],
  ];
  for (const [error, code, line] of golden) {
    assert.equal(errorLine(error), line);
    assert.equal(exitCodeOf(error), code);
  }
});

Deno.test("errorLine() is one line without control characters", () => {
  const line = errorLine(new UsageError("Cannot\r\n a\x1b[31m\u202eb", "do\tit"));
  assert.equal(line, "sluice: Cannot a?[31m?b; do it");
});
