import assert from "node:assert/strict";
import fc from "fast-check";
import { isAllowed, matchesGlob } from "../../../lib/core/globs.ts";

const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
const name = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });

Deno.test("matchesGlob() says what the same pattern as a regular expression says", () => {
  fc.assert(fc.property(pattern, name, (glob, text) => {
    const regexp = new RegExp(`^${glob.replaceAll("*", ".*").replaceAll("?", ".")}$`);
    assert.equal(matchesGlob(glob, text), regexp.test(text), `${glob} ${text}`);
  }));
});

Deno.test("matchesGlob() stays fast on patterns made to be slow", () => {
  const steps = 200;
  assert.equal(matchesGlob("*a".repeat(steps) + "b", "a".repeat(10 * steps)), false);
});

Deno.test("isAllowed() lets through what is allowed and not denied", () => {
  const GOLDEN: [Parameters<typeof isAllowed>[0], string, boolean][] = [
    [{}, "x", true],
    [{ allow: [] }, "x", false],
    [{ allow: ["read_*"] }, "read_file", true],
    [{ allow: ["read_*"] }, "write_file", false],
    [{ allow: ["*"], deny: ["write_*"] }, "write_file", false],
    [{ deny: ["write_?"] }, "write_file", true],
  ];
  for (const [filter, tool, expected] of GOLDEN) {
    assert.equal(isAllowed(filter, tool), expected, JSON.stringify([filter, tool]));
  }
});
