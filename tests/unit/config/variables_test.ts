import assert from "node:assert/strict";
import { expandVariables } from "../../../lib/config/variables.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

const ENV = { TOKEN: "s3cret", EMPTY: "", NESTED: "${TOKEN}" };

function expand(text: string): string {
  return expandVariables(text, ENV, "mcpServers.a.url", "c.json:7");
}

Deno.test("expandVariables() replaces the three spellings", () => {
  assert.equal(expand("Bearer ${TOKEN}"), "Bearer s3cret");
  assert.equal(expand("${env:TOKEN}/${TOKEN}"), "s3cret/s3cret");
  assert.equal(expand("${GONE:-http://x:1/}"), "http://x:1/");
  assert.equal(expand("${GONE:-}"), "");
  assert.equal(expand("${EMPTY:-d}${EMPTY}"), "d");
  assert.equal(expand("${TOKEN:-d}"), "s3cret");
});

Deno.test("expandVariables() leaves everything else, and does not expand twice", () => {
  assert.equal(expand("${NESTED}"), "${TOKEN}");
  for (const text of ["$TOKEN", "${}", "${1}", "${a.b}", "${TOKEN", "$${", "{TOKEN}"]) {
    assert.equal(expand(text), text);
  }
});

Deno.test("expandVariables() names variable, key and line when a variable is not set", () => {
  const cases: [string, string, string][] = [
    ["${GONE}", "GONE", "${GONE:-default}"],
    ["${env:GONE}", "GONE", "${env:GONE:-default}"],
    ["${toString}", "toString", "${toString:-default}"],
  ];
  for (const [text, name, advice] of cases) {
    assert.throws(() => expand(text), (thrown: unknown) => {
      assert.ok(thrown instanceof ConfigError);
      assert.equal(
        `${thrown.message}; ${thrown.advice}`,
        `Cannot read config: mcpServers.a.url needs the variable ${name}, which is not set; ` +
          `set it, or write ${advice} (c.json:7)`,
      );
      return true;
    });
  }
});

Deno.test("expandVariables() refuses prompts of an editor", () => {
  assert.throws(() => expand("${input:token}"), /asks the editor for \$\{input:\.\.\.\}/);
});
