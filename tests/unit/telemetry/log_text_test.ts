import assert from "node:assert/strict";
import fc from "fast-check";
import { textLine } from "../../../lib/telemetry/log_text.ts";

Deno.test("textLine() shows time, level, module, message and fields in one line", () => {
  const json = JSON.stringify({
    level: "warn",
    time: "2026-11-20T09:31:30.123Z",
    pid: 5,
    module: "tcp",
    address: "127.0.0.1:5",
    why: "too slow",
    limits: { bytes: 1 },
    msg: "peer closed",
  });
  assert.equal(
    textLine(json),
    '09:31:30.123 WARN  tcp: peer closed address=127.0.0.1:5 why="too slow" limits={"bytes":1}\n',
  );
});

Deno.test("textLine() lets no control character reach the terminal", () => {
  const unit = fc.constantFrom("\x1b", "\x9b", "\n", "\r", "\u2028", "\u202e", "\x07", "a", '"');
  fc.assert(fc.property(fc.string({ unit }), fc.string({ unit }), (msg, value) => {
    const line = textLine(JSON.stringify({ level: "info", time: "", msg, value, [value]: 1 }));
    // deno-lint-ignore no-control-regex
    assert.match(line, /^[^\u0000-\u001f\u007f-\u009f\u2028\u202e]*\n$/);
  }));
});
