import assert from "node:assert/strict";
import fc from "fast-check";
import type { RequestInfo } from "../../../lib/core/connection.ts";
import { toHeaderValue } from "../../../lib/core/header_value.ts";
import type { Message } from "../../../lib/core/message.ts";
import { eraCheck } from "../../../lib/era/era_check.ts";
import { headersOf, modern, raw } from "../../fixtures/modern_messages.ts";

type Headers = Record<string, string | undefined>;

function requestOf(headers: Headers, transport = "http"): RequestInfo {
  return { transport, address: "test", header: (name) => headers[name] };
}

/** Code of the refusal; `undefined` when the request is fine. */
function codeFor(message: Message, headers: Headers = headersOf(message), transport = "http") {
  const problem = eraCheck()(message, requestOf(headers, transport), true);
  if (problem !== undefined) assert.equal(problem.status, problem.code === -32601 ? 404 : 400);
  return problem?.code;
}

const TOOL = modern("1", "tools/call", '"name":"t"');
const with_ = (more: Headers, message = TOOL) => ({ ...headersOf(message), ...more });

Deno.test("eraCheck() takes requests whose headers say what the body says", () => {
  assert.equal(codeFor(TOOL), undefined);
  assert.equal(codeFor(modern("1", "tools/list")), undefined);
  assert.equal(codeFor(modern("1", "server/discover")), undefined);
  assert.equal(codeFor(modern("1", "prompts/get", '"name":"p"')), undefined);
  assert.equal(codeFor(modern("1", "resources/read", '"uri":"test://é"')), undefined);
  assert.equal(codeFor(modern("1", "some/extension")), undefined);
});

Deno.test("eraCheck() wants each header, with exactly the value of the body", () => {
  const read = modern("1", "resources/read", '"uri":"test://a","name":"b"');
  const rows: [Message, Headers][] = [
    [TOOL, { "mcp-protocol-version": undefined }],
    [TOOL, { "mcp-protocol-version": "2026-07-29" }],
    [TOOL, { "mcp-protocol-version": "2026-07-28, 2026-07-28" }], // the header came twice
    [TOOL, { "mcp-protocol-version": "2025-11-25" }],
    [TOOL, { "mcp-method": undefined }],
    [TOOL, { "mcp-method": "tools/list" }],
    [TOOL, { "mcp-method": "Tools/Call" }],
    [TOOL, { "mcp-method": "tools/call, tools/call" }],
    [TOOL, { "mcp-name": undefined }],
    [TOOL, { "mcp-name": "" }],
    [TOOL, { "mcp-name": "T" }],
    [TOOL, { "mcp-name": "t, t" }],
    [TOOL, { "mcp-name": "=?base64?dQ==?=" }], // u
    [TOOL, { "mcp-name": "=?base64?***?=" }],
    [TOOL, { "mcp-name": "=?base64?/w==?=" }], // no UTF-8
    [read, { "mcp-name": "b" }],
  ];
  for (const [message, more] of rows) {
    assert.equal(codeFor(message, with_(more, message)), -32020, JSON.stringify(more));
  }
});

Deno.test("eraCheck() decodes names that are marked as base64, whatever they hold", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
    const message = modern("1", "tools/call", `"name":${JSON.stringify(name)}`);
    assert.equal(codeFor(message, with_({ "mcp-name": toHeaderValue(name) }, message)), undefined);
    const marked = `=?base64?${new TextEncoder().encode(name).toBase64()}?=`;
    assert.equal(codeFor(message, with_({ "mcp-name": marked }, message)), undefined);
    const other = toHeaderValue(`${name}x`);
    assert.equal(codeFor(message, with_({ "mcp-name": other }, message)), -32020);
  }));
});

Deno.test("eraCheck() compares values, not spellings of JSON", () => {
  const message = modern("1", "tools/call", '"name":"\\u0074"');
  assert.equal(codeFor(message, with_({ "mcp-name": "t" }, message)), undefined);
  const marker = modern("1", "tools/call", '"name":"=?base64?dQ==?="');
  assert.equal(codeFor(marker, with_({ "mcp-name": "=?base64?dQ==?=" }, marker)), -32020);
  assert.equal(
    codeFor(marker, with_({ "mcp-name": toHeaderValue(marker.name!) }, marker)),
    undefined,
  );
});

Deno.test("eraCheck() wants the protocol's fields in the body, whatever the transport", () => {
  const version = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
  const body = (meta: string) =>
    raw(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":${meta}}}`);
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };
  const rows = [
    raw('{"jsonrpc":"2.0","id":1,"method":"tools/list"}'),
    raw('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'),
    body("{}"),
    body('"text"'),
    body('{"io.modelcontextprotocol/protocolVersion":5}'),
    body(`{${version}}`),
    body(`{${version},"io.modelcontextprotocol/clientCapabilities":null}`),
    body(`{${version},"io.modelcontextprotocol/clientCapabilities":[]}`),
  ];
  for (const message of rows) {
    assert.equal(codeFor(message, headers), -32602, new TextDecoder().decode(message.bytes));
    assert.equal(codeFor(message, {}, "stdio"), -32602);
  }
});

Deno.test("eraCheck() names the versions it knows to who asks for another", () => {
  for (const version of ["2027-01-01", "2025-11-25", "", "2026-07-28 "]) {
    const message = modern("1", "tools/list", "", { version });
    assert.equal(codeFor(message), -32022, version);
    const problem = eraCheck()(message, requestOf({}, "stdio"), true);
    assert.deepEqual(problem?.data, { supported: ["2026-07-28"], requested: version });
  }
});

Deno.test("eraCheck() knows no methods of the era with a handshake", () => {
  const gone = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
  ];
  for (const method of gone) assert.equal(codeFor(modern("1", method)), -32601, method);
});

Deno.test("eraCheck() looks at no headers where there are none", () => {
  assert.equal(codeFor(TOOL, {}, "stdio"), undefined);
  assert.equal(codeFor(TOOL, {}, "websocket"), undefined);
});

Deno.test("eraCheck() for one era refuses the other in a way that its clients understand", () => {
  const request = requestOf(headersOf(TOOL));
  const initialize = raw('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}');
  const modernOnly = eraCheck("modern");
  assert.equal(modernOnly(TOOL, request, true), undefined);
  assert.equal(modernOnly(initialize, request, false)?.code, -32022);
  assert.deepEqual(modernOnly(initialize, request, false)?.data, { supported: ["2026-07-28"] });
  const legacyOnly = eraCheck("legacy");
  assert.equal(legacyOnly(initialize, request, false), undefined);
  assert.equal(legacyOnly(modern("1", "server/discover"), request, true)?.code, -32601);
  assert.equal(legacyOnly(TOOL, request, true)?.code, -32600);
  assert.equal(eraCheck()(initialize, request, false), undefined);
});
