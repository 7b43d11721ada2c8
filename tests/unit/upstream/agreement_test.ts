import assert from "node:assert/strict";
import { Message } from "../../../lib/core/message.ts";
import { request } from "../../../lib/core/compose.ts";
import { agreementKey } from "../../../lib/upstream/agreement.ts";

const LIST = request(1, "tools/list");
const key = (text: string, asked = LIST) =>
  agreementKey(asked, Message.from(new TextEncoder().encode(`{"jsonrpc":"2.0",${text}}`)));

Deno.test("agreementKey() ignores ids, the order of keys, white space and _meta", () => {
  const plain = key('"id":1,"result":{"a":1,"b":[{"c":"x"}]}');
  assert.equal(key('"id":"z","result":{"b" : [ {"c":"\\u0078"} ],"a":1}'), plain);
  assert.equal(key('"id":1,"result":{"_meta":{"x":1},"a":1,"b":[{"_meta":2,"c":"x"}]}'), plain);
});

Deno.test("agreementKey() tells apart what is not the same", () => {
  const answers = [
    '"result":{"a":1}',
    '"result":{"a":"1"}',
    '"result":{"a":[1]}',
    '"result":{"a":null}',
    '"result":{}',
    '"result":{"a":[1,2]}',
    '"result":{"a":[2,1]}',
    '"result":{"a":{"0":1}}',
    '"error":{"a":1}',
    '"error":{"code":-1,"message":"x"}',
    '"result":{"a":9007199254740992}',
    '"result":{"a":9007199254740993}',
    '"result":{"a":0.1234567890123456789}',
    '"result":{"a":0.1234567890123456788}',
    '"result":{"a":{"number":"9007199254740993","x":1}}',
  ];
  const keys = answers.map((text) => key(`"id":1,${text}`));
  assert.equal(new Set(keys).size, answers.length);
});

Deno.test("agreementKey() compares of a handshake what the client depends on", () => {
  const asked = request(1, "initialize");
  const of = (name: string, tools: unknown) =>
    key(
      `"id":1,"result":{"serverInfo":{"name":"${name}"},"capabilities":{"tools":${
        JSON.stringify(tools)
      }},"protocolVersion":"2025-11-25"}`,
      asked,
    );
  assert.equal(of("a", {}), of("b", {}));
  assert.notEqual(of("a", {}), of("a", { listChanged: true }));
});
