import assert from "node:assert/strict";
import fc from "fast-check";
import { Message } from "../../../lib/core/message.ts";
import { withParam, withReference } from "../../../lib/router/message_edits.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const raw = (text: string) => Message.from(encoder.encode(text));
const text = (message: Message) => decoder.decode(message.bytes);

Deno.test("withParam() changes the name, and no other byte", () => {
  const before = '{ "jsonrpc":"2.0","id":1.0, "method":"tools/call","params":{"name": ';
  const after = ', "arguments":{"é":"\\u00e9","n":-0}} }';
  const changed = withParam(raw(`${before}"a__t"${after}`), "name", "t");
  assert.equal(text(changed), `${before}"t"${after}`);
});

Deno.test("withParam() finds the name wherever else its text stands, and however it is spelled", () => {
  const name = fc.constantFrom('"a__t"', '"\\u0061__t"');
  const other = fc.constantFrom('"a__t"', '"\\u0061__t"', '{"name":"a__t"}', "1.0");
  fc.assert(fc.property(name, other, fc.boolean(), (name, other, isFirst) => {
    const members = [`"name":${name}`, `"arguments":{"x":${other}}`];
    const params = (isFirst ? members : members.toReversed()).join(",");
    const changed = withParam(
      raw(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${params}}}`),
      "name",
      "t",
    );
    assert.equal(changed.name, "t");
    assert.equal(decoder.decode(changed.arguments), `{"x":${other}}`);
  }));
});

Deno.test("withParam() keeps what travels beside the message", () => {
  const message = raw('{"jsonrpc":"2.0","id":1,"method":"x","params":{"uri":"a"}}');
  const context = { headers: { "mcp-param-x": "1" } };
  assert.equal(withParam(message.withContext(context), "uri", "b").context, context);
});

Deno.test("withReference() changes the reference only", () => {
  const argument = '{"name":"a__p","value":"v"}';
  const message = raw(
    `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a__p"},"argument":${argument}}}`,
  );
  const { params } = withReference(message, "name", "p").json();
  assert.deepEqual(params, {
    ref: { type: "ref/prompt", name: "p" },
    argument: JSON.parse(argument),
  });
});
