import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHeaderValue } from "../../../lib/core/header_value.ts";
import { Message } from "../../../lib/core/message.ts";
import { areSameHeaders, ParamHeaders } from "../../../lib/core/param_headers.ts";
import { modern } from "../../fixtures/modern_http_server.ts";

const encoder = new TextEncoder();

function message(text: string): Message {
  return Message.from(encoder.encode(text));
}

function list(...tools: unknown[]): Message {
  return message(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools } }));
}

function tool(name: string, properties: Record<string, unknown>): object {
  return { name, inputSchema: { type: "object", properties } };
}

function annotated(type: string, header: string): object {
  return { type, "x-mcp-header": header };
}

function call(name: string, rawArguments: string): Message {
  const params = `{"name":${JSON.stringify(name)},"arguments":${rawArguments}}`;
  return message(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
}

const ALL = tool("all", {
  text: annotated("string", "Text"),
  number: annotated("integer", "Number"),
  flag: annotated("boolean", "Flag"),
  deep: { type: "object", properties: { er: annotated("string", "Deeper") } },
});

function knowing(...tools: unknown[]): ParamHeaders {
  const params = new ParamHeaders((reason) => assert.fail(reason));
  params.learn(list(...tools));
  return params;
}

Deno.test("headersOf() converts and encodes the arguments that are annotated", () => {
  const params = knowing(ALL);
  const headers = (raw: string) => params.headersOf(call("all", raw));
  assert.deepEqual(headers('{"text":"us-west1","number":42,"flag":true,"deep":{"er":"x"},"b":1}'), {
    "mcp-param-text": "us-west1",
    "mcp-param-number": "42",
    "mcp-param-flag": "true",
    "mcp-param-deeper": "x",
  });
  const cases: [string, Record<string, string>][] = [
    ['{"text":"Hello, 世界"}', { "mcp-param-text": "=?base64?SGVsbG8sIOS4lueVjA==?=" }],
    ['{"text":" padded "}', { "mcp-param-text": "=?base64?IHBhZGRlZCA=?=" }],
    ['{"text":"line1\\nline2"}', { "mcp-param-text": "=?base64?bGluZTEKbGluZTI=?=" }],
    [
      '{"text":"=?base64?literal?="}',
      { "mcp-param-text": "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=" },
    ],
    ['{"text":"a\\u0062c"}', { "mcp-param-text": "abc" }],
    ['{"number":-7}', { "mcp-param-number": "-7" }],
    ['{"number":9007199254740993}', { "mcp-param-number": "9007199254740993" }],
    ['{"number":42.0}', { "mcp-param-number": "42" }],
    ['{"number":1e3}', { "mcp-param-number": "1000" }],
    ['{"number":-0}', { "mcp-param-number": "0" }],
    ['{"flag":false}', { "mcp-param-flag": "false" }],
  ];
  for (const [raw, expected] of cases) assert.deepEqual(headers(raw), expected, raw);
});

Deno.test("headersOf() leaves out what is absent, null, or of another type", () => {
  const params = knowing(ALL);
  const none = [
    "{}",
    "null",
    "[]",
    '{"text":null,"number":null,"flag":null,"deep":null}',
    '{"text":1,"number":"1","flag":"true","deep":"x"}',
    '{"text":{},"number":1.5,"flag":0,"deep":[]}',
    '{"number":1e400,"deep":{"er":{}}}',
    '{"deep.er":"x","Text":"x"}',
  ];
  for (const raw of none) assert.deepEqual(params.headersOf(call("all", raw)), {}, raw);
  assert.deepEqual(params.headersOf(call("other", '{"text":"x"}')), {});
  assert.deepEqual(params.headersOf(modern(1, "prompts/get", { name: "all" })), {});
});

Deno.test("headersOf() gives values that stand for the argument, whatever it is", () => {
  const params = knowing(ALL);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const headers = params.headersOf(call("all", JSON.stringify({ text })));
    assert.match(headers["mcp-param-text"], /^[\x20-\x7e\t]*$/);
    assert.equal(fromHeaderValue(headers["mcp-param-text"]), text);
  }));
});

Deno.test("learn() passes a list on as it came when its annotations keep the rules", () => {
  const params = knowing(ALL);
  for (const answer of [list(ALL), list(), list(tool("a", {})), list(1, null, {}, { name: 5 })]) {
    assert.equal(params.learn(answer), answer);
  }
  const text = '{"jsonrpc":"2.0","id":1,"result":{"tools":"x-mcp-header"}}';
  const odd = [text, '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x-mcp-header"}}'];
  for (const answer of odd.map(message)) assert.equal(params.learn(answer), answer);
});

Deno.test("learn() removes tools with bad annotations and leaves every other value its bytes", () => {
  const refused: string[] = [];
  const params = new ParamHeaders((reason) => refused.push(reason));
  const bad = '{"name":"bad","inputSchema":{"properties":{"a":{"x-mcp-header":""}}}}';
  const good = '{ "name" : "go\\u006fd", "n": 1.0, "big": 12345678901234567890 }';
  const answer = (tools: string) =>
    `{"jsonrpc":"2.0","id":"1","result":{"ttlMs":1e3,"tools":${tools},"nextCursor":"\\u0061"}}`;
  const learn = (tools: string) =>
    new TextDecoder().decode(params.learn(message(answer(tools))).bytes);
  assert.equal(learn(`[ ${bad} , ${good}, ${bad} ,${good}]`), answer(`[${good},${good}]`));
  assert.equal(learn(`[${bad}]`), answer("[]"));
  assert.deepEqual(refused, [
    'Cannot offer tool "bad": "a", marked x-mcp-header, has a header name that no header can have',
  ]);
});

Deno.test("learn() sees annotations whose key is spelled with escapes", () => {
  const params = new ParamHeaders(() => {});
  const tools =
    '[{"name":"a","inputSchema":{"properties":{"a":{"type":"string","x-mcp\\u002dheader":"A"}}}}]';
  params.learn(message(`{"jsonrpc":"2.0","id":1,"result":{"tools":${tools}}}`));
  assert.deepEqual(params.headersOf(call("a", '{"a":"x"}')), { "mcp-param-a": "x" });
});

Deno.test("learn() forgets annotations that a later list does not have", () => {
  const params = knowing(ALL, tool("other", { x: annotated("string", "X") }));
  params.learn(list(tool("all", { text: { type: "string" } })));
  assert.deepEqual(params.headersOf(call("all", '{"text":"x"}')), {});
  assert.deepEqual(params.headersOf(call("other", '{"x":"x"}')), { "mcp-param-x": "x" });
});

Deno.test("learn() tells again of a tool that was good in between", () => {
  const refused: string[] = [];
  const params = new ParamHeaders((reason) => refused.push(reason));
  const bad = tool("t", { a: annotated("number", "A") });
  for (const it of [bad, bad, tool("t", {}), bad]) params.learn(list(it));
  assert.equal(refused.length, 2);
});

Deno.test("learn() remembers no more tools than allowed, the newest", () => {
  const named = (name: string) => tool(name, { x: annotated("string", "X") });
  const known = (params: ParamHeaders) =>
    ["a", "b", "c"].filter((name) => "mcp-param-x" in params.headersOf(call(name, '{"x":"1"}')));
  const byCount = new ParamHeaders(() => {}, { toolsMax: 2 });
  byCount.learn(list(named("a"), named("b"), named("c")));
  assert.deepEqual(known(byCount), ["b", "c"]);
  const bySize = new ParamHeaders(() => {}, { charactersMax: 30 });
  bySize.learn(list(named("a"), named("b"), named("c")));
  assert.deepEqual(known(bySize), ["b", "c"]);
  bySize.learn(list(named("long".repeat(100))));
  assert.deepEqual(known(bySize), []);
});

Deno.test("areSameHeaders() compares names and values", () => {
  assert.ok(areSameHeaders({}, {}));
  assert.ok(areSameHeaders({ a: "1", b: "2" }, { b: "2", a: "1" }));
  assert.ok(!areSameHeaders({ a: "1" }, { a: "2" }));
  assert.ok(!areSameHeaders({ a: "1" }, {}));
  assert.ok(!areSameHeaders({ a: "1" }, { b: "1" }));
});
