import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Handler } from "../../../lib/core/handler.ts";
import { parameterHeaders } from "../../../lib/era/parameter_headers.ts";
import { FakeCall } from "../../fixtures/fake_server.ts";
import { metaText, raw } from "../../fixtures/modern_messages.ts";

const TOOL = {
  name: "t",
  inputSchema: {
    type: "object",
    properties: {
      region: { type: "string", "x-mcp-header": "Region" },
      size: { type: "integer", "x-mcp-header": "Size" },
    },
  },
};

/** A server with one tool, whose list has two pages. */
function server(): { handler: Handler; methods: string[] } {
  const methods: string[] = [];
  const handler = parameterHeaders()((call) => {
    const { method, id } = call.message;
    methods.push(method!);
    if (method !== "tools/list") return Promise.resolve(result(id!, { content: [] }));
    const isFirst = call.message.json().params.cursor === undefined;
    return Promise.resolve(
      result(id!, isFirst ? { tools: [], nextCursor: "2" } : { tools: [TOOL] }),
    );
  });
  return { handler, methods };
}

function call(args: string, headers?: Record<string, string>): FakeCall {
  const params = `{"name":"t","arguments":${args},"_meta":${metaText()}}`;
  const message = raw(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
  return new FakeCall(headers === undefined ? message : message.withContext({ headers }));
}

Deno.test("parameterHeaders() lets calls pass whose headers repeat their arguments", async () => {
  const { handler, methods } = server();
  await handler(call('{"region":"é","size":42}', {
    "mcp-param-region": "=?base64?w6k=?=",
    "mcp-param-size": "42.0",
  }));
  await handler(call('{"region":null}', {}));
  await handler(call("{}", { "mcp-param-other": "forwarded" }));
  assert.deepEqual(methods, ["tools/list", "tools/list", "tools/call", "tools/call", "tools/call"]);
});

Deno.test("parameterHeaders() refuses calls whose headers are missing or say something else", async () => {
  const { handler, methods } = server();
  const refused: [string, Record<string, string>][] = [
    ['{"region":"a"}', {}],
    ['{"region":"a"}', { "mcp-param-region": "b" }],
    ['{"region":"a"}', { "mcp-param-region": "=?base64?%?=" }],
    ["{}", { "mcp-param-region": "a" }],
    ['{"size":1}', { "mcp-param-size": "2" }],
  ];
  for (const [args, headers] of refused) {
    await assert.rejects(
      async () => await handler(call(args, headers)),
      (error: GatewayError) => error.failure === "HeaderMismatch",
      args,
    );
  }
  assert.equal(methods.includes("tools/call"), false);
});

Deno.test("parameterHeaders() leaves clients alone that send no headers at all", async () => {
  const { handler, methods } = server();
  await handler(call('{"region":"a"}'));
  assert.deepEqual(methods, ["tools/call"]);
});
