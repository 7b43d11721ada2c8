import assert from "node:assert/strict";
import { itemsOfAnswer, withItems } from "../../../lib/core/item_list.ts";
import { Message } from "../../../lib/core/message.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

function answer(text: string): Message {
  return Message.from(encoder.encode(text));
}

Deno.test("withItems() keeps the bytes of everything else", () => {
  const list = answer(
    '{"jsonrpc":"2.0","id":1.0e0,"result":{"tools":[ {"name":"a","x":1.0}, {"name":"b"} ],"nextCursor":"c","_meta":{"n":9007199254740993}}}'
      .replace("1.0e0", "1"),
  );
  const items = itemsOfAnswer(list, "tools");
  assert.deepEqual(items.map((raw) => decoder.decode(raw)), [
    '{"name":"a","x":1.0}',
    '{"name":"b"}',
  ]);
  assert.equal(
    decoder.decode(withItems(list, "tools", items.slice(0, 1)).bytes),
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","x":1.0}],"nextCursor":"c","_meta":{"n":9007199254740993}}}',
  );
  const none = withItems(list, "tools", []);
  assert.deepEqual(none.json().result.tools, []);
});

Deno.test("itemsOfAnswer() finds none where there is no list", () => {
  assert.deepEqual(itemsOfAnswer(answer('{"jsonrpc":"2.0","id":1,"result":{}}'), "tools"), []);
});
