import assert from "node:assert/strict";
import { credentialOf } from "../../../lib/auth/credential.ts";
import { requestWith } from "./requests.ts";

Deno.test("credentialOf() takes a bearer token or a key, and never guesses", () => {
  const cases: [Record<string, string>, unknown][] = [
    [{}, "nothing"],
    [{ authorization: "Bearer abc.def-_~+/=" }, { scheme: "bearer", secret: "abc.def-_~+/=" }],
    [{ authorization: "bearer abc" }, { scheme: "bearer", secret: "abc" }],
    [{ "x-api-key": "k!y" }, { scheme: "key", secret: "k!y" }],
    [{ authorization: "Bearer a", "x-api-key": "b" }, "several"],
    [{ authorization: "Basic YTpi" }, "malformed"],
    [{ authorization: "Bearer" }, "malformed"],
    [{ authorization: "Bearer " }, "malformed"],
    [{ authorization: "Bearer a, Bearer b" }, "malformed"],
    [{ authorization: "Bearer a b" }, "malformed"],
    [{ authorization: "abc" }, "malformed"],
    [{ authorization: "" }, "malformed"],
    [{ "x-api-key": "" }, "malformed"],
    [{ "x-api-key": "a b" }, "malformed"],
    [{ authorization: `Bearer ${"a".repeat(8192)}` }, "malformed"],
  ];
  for (const [headers, expected] of cases) {
    assert.deepEqual(credentialOf(requestWith(headers)), expected, JSON.stringify(headers));
  }
});
