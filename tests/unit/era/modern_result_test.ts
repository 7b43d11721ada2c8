import assert from "node:assert/strict";
import { mayRequireInput, modernResult } from "../../../lib/era/modern_result.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const INFO = new TextEncoder().encode('{"name":"s","n":1.0}');
const as = (result: string, method = "tools/call") =>
  text(modernResult(raw(`{"jsonrpc":"2.0","id":1,"result":${result}}`), method, INFO));
const META = '"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","n":1.0}}';
const answer = (result: string) => `{"jsonrpc":"2.0","id":1,"result":${result}}`;

Deno.test("modernResult() adds what this era wants and keeps the rest byte for byte", () => {
  assert.equal(as('{"f":1.0}'), answer(`{"f":1.0,"resultType":"complete",${META}}`));
  assert.equal(as("{}"), answer(`{"resultType":"complete",${META}}`));
});

Deno.test("modernResult() gives lists and contents no life of their own, unless the server does", () => {
  const fresh = '"resultType":"complete","ttlMs":0,"cacheScope":"private"';
  const cacheable = [
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
  ];
  for (const method of cacheable) assert.equal(as("{}", method), answer(`{${fresh},${META}}`));
  assert.equal(
    as('{"ttlMs":5.0,"cacheScope":"public"}', "tools/list"),
    answer(`{"ttlMs":5.0,"cacheScope":"public","resultType":"complete",${META}}`),
  );
});

Deno.test("modernResult() leaves what the server says of itself, and errors other than one", () => {
  const own =
    '{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"o"}}}';
  assert.equal(as(own), answer(own));
  const error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"m","data":1.0}}';
  assert.equal(text(modernResult(raw(error), "tools/call", INFO)), error);
});

Deno.test("mayRequireInput() names the three methods whose results may ask", () => {
  for (const method of ["tools/call", "prompts/get", "resources/read"]) {
    assert.ok(mayRequireInput(modern("1", method)));
  }
  assert.ok(!mayRequireInput(modern("1", "tools/list")));
});
