import assert from "node:assert/strict";
import { agreedResult } from "../../../lib/era/discovery.ts";
import { raw, text } from "../../fixtures/modern_messages.ts";

const asked = (version: unknown) =>
  raw(
    `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${
      JSON.stringify({ protocolVersion: version })
    }}`,
  );
const answered = (version: string) =>
  raw(
    `{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"n":1.0},"protocolVersion":"${version}"}}`,
  );

Deno.test("agreedResult() names the client's version when the server has only newer ones, and changes nothing else", () => {
  const agreed = agreedResult(answered("2025-11-25"), asked("2024-11-05"));
  assert.equal(text(agreed), text(answered("2024-11-05")));
});

Deno.test("agreedResult() leaves the version to the client when the server has the same, an older or an unknown one", () => {
  for (
    const [given, wanted] of [
      ["2025-06-18", "2025-06-18"],
      ["2024-11-05", "2025-11-25"],
      ["2027-01-01", "2025-11-25"],
      ["2025-11-25", "1999-01-01"],
      ["2025-11-25", undefined],
    ] as const
  ) {
    const answer = answered(given);
    assert.equal(agreedResult(answer, asked(wanted)), answer);
  }
});
