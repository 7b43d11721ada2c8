import assert from "node:assert/strict";
import fc from "fast-check";
import { request } from "../../../lib/core/compose.ts";
import type { Batch } from "../../../lib/core/connection.ts";
import { Message } from "../../../lib/core/message.ts";
import { isJsonArray, joinBatch, splitBatch } from "../../../lib/framing/json_array.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const bytes = (text: string) => encoder.encode(text);
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const NOTE = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

function shown(batch: Batch): string[] {
  return batch.map(({ kind, bytes, problem }) =>
    problem === undefined ? `${kind} ${decoder.decode(bytes)}` : `${kind} ${problem.failure}`
  );
}

Deno.test("splitBatch() makes a message of each element, as views", () => {
  const text = bytes(` [ ${PING} ,\n${NOTE}\t] `);
  const batch = splitBatch(text);
  assert.deepEqual(shown(batch), [`request ${PING}`, `notification ${NOTE}`]);
  for (const message of batch) assert.equal(message.bytes.buffer, text.buffer);
});

Deno.test("splitBatch() makes an invalid message of each element that is none", () => {
  const text = `[1,${PING},[${PING}],{"jsonrpc":"2.0"},null,"a\\"]"]`;
  assert.deepEqual(shown(splitBatch(bytes(text))), [
    "invalid InvalidRequest",
    `request ${PING}`,
    ...new Array(4).fill("invalid InvalidRequest"),
  ]);
});

Deno.test("splitBatch() refuses as one an array that is empty, too long, too deep or not JSON", () => {
  assert.deepEqual(shown(splitBatch(bytes("[]"))), ["invalid InvalidRequest"]);
  assert.deepEqual(shown(splitBatch(bytes(" [ \n ] "))), ["invalid InvalidRequest"]);
  const deep = `[{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":${"[".repeat(8)}${
    "]".repeat(8)
  }}}]`;
  assert.deepEqual(shown(splitBatch(bytes(deep), { jsonDepthMax: 9 })), ["invalid InvalidRequest"]);
  assert.equal(splitBatch(bytes(deep), { jsonDepthMax: 10 })[0].kind, "request");
  const broken = [
    ...["[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[]]", "[] x"],
    ...[`[${PING}`, `[${PING}]]`, `[${PING},{"a":}]`, "[\x01]"],
  ];
  for (const text of broken) {
    assert.deepEqual(shown(splitBatch(bytes(text))), ["invalid ParseError"], text);
  }
});

Deno.test("splitBatch() takes as many elements as the limit, and not one more", () => {
  const text = (count: number) => bytes(`[${new Array(count).fill(PING).join(",")}]`);
  assert.equal(splitBatch(text(1000)).length, 1000);
  assert.deepEqual(shown(splitBatch(text(1001))), ["invalid InvalidRequest"]);
  assert.equal(splitBatch(text(3), { elementsMax: 3 }).length, 3);
  assert.deepEqual(shown(splitBatch(text(4), { elementsMax: 3 })), ["invalid InvalidRequest"]);
});

Deno.test("splitBatch() takes a text that is no array as one message", () => {
  assert.deepEqual(shown(splitBatch(bytes(PING))), [`request ${PING}`]);
  assert.deepEqual(shown(splitBatch(bytes("\x01[]"))), ["invalid ParseError"]);
  assert.deepEqual(shown(splitBatch(bytes(""))), ["invalid ParseError"]);
});

Deno.test("isJsonArray() looks at the first byte that is not white space", () => {
  for (const text of ["[", " \t\r\n[1"]) assert.equal(isJsonArray(bytes(text)), true);
  for (const text of ["", " ", "{[", "\v[", "\xa0["]) assert.equal(isJsonArray(bytes(text)), false);
});

Deno.test("splitBatch() agrees with JSON.parse about what is an array, and never throws", () => {
  const piece = fc.constantFrom("[", "]", "{", "}", ",", ":", '"', "1", "null", " ", "\\", PING);
  fc.assert(
    fc.property(fc.oneof(fc.array(piece).map((all) => `[${all.join("")}`), fc.json()), (text) => {
      const batch = splitBatch(bytes(text));
      assert.ok(batch.length > 0);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        assert.deepEqual(shown(batch), ["invalid ParseError"]);
        return;
      }
      assert.notEqual(batch[0].problem?.failure, "ParseError");
      if (Array.isArray(value)) assert.equal(batch.length, Math.max(1, value.length));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("joinBatch() makes one line that splitBatch() takes apart again", () => {
  assert.equal(decoder.decode(joinBatch([])), "[]");
  fc.assert(fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), (values) => {
    const batch = values.map((value, i) => request(i, "ping", { value }));
    const joined = joinBatch(batch);
    assert.equal(JSON.parse(decoder.decode(joined)).length, batch.length);
    assert.deepEqual(shown(splitBatch(joined)), shown(batch));
  }));
  const broken = Message.from(bytes(`{"jsonrpc":"2.0",\n"id":1,\r\n"method":"ping"}`));
  const line = joinBatch([broken, broken]);
  assert.equal(line.includes(10) || line.includes(13), false);
});
