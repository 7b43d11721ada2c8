import assert from "node:assert/strict";
import fc from "fast-check";
import { bearerChallenge, scopesOf } from "../../../../lib/auth/oauth_client/challenge.ts";

Deno.test("bearerChallenge() reads what servers send", () => {
  assert.deepEqual(
    bearerChallenge(
      'Bearer error="insufficient_scope", scope="a b", resource_metadata="https://x.test/.well-known/y"',
    ),
    {
      resourceMetadata: "https://x.test/.well-known/y",
      error: "insufficient_scope",
      scopes: ["a", "b"],
    },
  );
});

Deno.test("bearerChallenge() finds the bearer among other challenges", () => {
  const header = 'Basic realm="a, Bearer scope=\\"no\\"", bearer scope=one, Digest scope="two"';
  assert.deepEqual(bearerChallenge(header).scopes, ["one"]);
});

Deno.test("bearerChallenge() unescapes quoted strings and takes the first of two", () => {
  const { error, scopes } = bearerChallenge('Bearer error="a\\"b", error=c, scope = "x"');
  assert.deepEqual({ error, scopes }, { error: 'a"b', scopes: ["x"] });
});

Deno.test("bearerChallenge() is empty when there is none", () => {
  for (const header of [undefined, "", "Basic", 'Basic scope="a"', ",,,", '"', "=", "Bearer ="]) {
    const { resourceMetadata, error, scopes } = bearerChallenge(header);
    assert.deepEqual({ resourceMetadata, error, scopes }, {
      resourceMetadata: undefined,
      error: undefined,
      scopes: [],
    }, header);
  }
});

Deno.test("bearerChallenge() ends on any text", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
    bearerChallenge(text);
    bearerChallenge(`Bearer ${text}`);
  }));
});

Deno.test("scopesOf() keeps each scope once, and no more than can be asked for", () => {
  assert.deepEqual(scopesOf('a  b a "c" d\\'), ["a", "b"]);
  assert.equal(scopesOf(Array.from({ length: 500 }, (_, at) => `s${at}`).join(" ")).length, 100);
});
