import assert from "node:assert/strict";
import { Message } from "../../../lib/core/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const from = (text: string) => Message.from(encoder.encode(text));
const textOf = (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes);

function call(id: string, more = ""): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"n":1${more}}}}`;
}

Deno.test("from() tells requests, notifications, responses and errors apart", () => {
  assert.equal(from(call("1")).kind, "request");
  assert.equal(
    from('{"jsonrpc":"2.0","method":"notifications/initialized"}').kind,
    "notification",
  );
  assert.equal(from('{"jsonrpc":"2.0","id":1,"result":{}}').kind, "response");
  const orphan = from('{"jsonrpc":"2.0","error":{"code":-32601,"message":"no"}}');
  assert.equal(orphan.kind, "response");
  assert.equal(orphan.id, undefined);
  assert.equal(
    from('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}').id,
    undefined,
  );
});

Deno.test("from() keeps the text of every id", () => {
  for (
    const id of [
      "7",
      "0",
      "-3",
      "-0",
      "1.0",
      "9007199254740993",
      "123456789012345678901234567890",
      '"a"',
      '""',
      '"\\u00e9\\ud83d\\ude00"',
      '"é😀"',
      '"\\ud800"',
    ]
  ) {
    const message = from(call(id));
    assert.equal(message.problem, undefined, id);
    assert.equal(textOf(message.id), id);
  }
});

Deno.test("from() refuses ids that are neither strings nor integers", () => {
  for (const id of ["1.5", "null", "true", "{}", "[1]", "1e3", `"${"a".repeat(2000)}"`]) {
    const message = from(call(id));
    assert.equal(message.kind, "invalid", id);
    assert.equal(message.problem!.code, -32600, id);
  }
});

Deno.test("from() refuses what is not JSON", () => {
  const cases = [
    "",
    "   ",
    "{",
    '{"a"',
    call("1") + "}",
    call("1") + call("2"),
    "\ufeff" + call("1"),
    call("01"),
    call("1", ',"a":.5'),
    call("1", ',"a":1.'),
    call("1", ',"a":1e'),
    call("1", ',"a":-'),
    call("1", ',"a":+1'),
    call("1", ',"a":tru'),
    call("1", ',"a":NaN'),
    call("1", ',"a":"\\x"'),
    call("1", ',"a":"\\u12g4"'),
    call("1", ',"a":"\n"'),
    call("1", ',"a":"\0"'),
    call("1", ",}"),
    call("1", ',"a":[1,]'),
    call("1", ",'a':1"),
    "[".repeat(1_000_000),
    "tru",
    "nul",
  ];
  for (const text of cases) {
    assert.equal(from(text).problem?.code, -32700, JSON.stringify(text.slice(0, 90)));
  }
});

Deno.test("from() refuses text that is not UTF-8", () => {
  for (
    const bad of [[0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x80], [0xf4, 0x90, 0x80, 0x80]]
  ) {
    const text = encoder.encode(call("1", ',"a":"@@@@"'));
    const at = text.indexOf(0x40);
    const bytes = new Uint8Array([...text.subarray(0, at), ...bad, ...text.subarray(at + 4)]);
    assert.equal(Message.from(bytes).problem?.code, -32700, String(bad));
  }
  assert.equal(Message.from(new Uint8Array([0xff, 0xfe, 0x7b, 0])).problem?.code, -32700);
});

Deno.test("from() refuses JSON that is no JSON-RPC message, with its id where it has one", () => {
  const cases: [text: string, id: string | undefined][] = [
    ['"x"', undefined],
    ["null", undefined],
    ["1", undefined],
    ["[]", undefined],
    [`[${call("1")}]`, undefined],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', "1"],
    ['{"id":1,"method":"ping"}', "1"],
    ['{"jsonrpc":"2.0","id":1,"method":5}', "1"],
    ['{"jsonrpc":"2.0","id":1}', "1"],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}', "1"],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', "1"],
    ['{"jsonrpc":"2.0","id":1,"method":"a","result":{}}', "1"],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', "1"],
    ['{"jsonrpc":"2.0","id":1,"error":"x"}', "1"],
    ['{"jsonrpc":"2.0","result":{}}', undefined],
    ['{"jsonrpc":"2.0","id":null,"result":{}}', undefined],
  ];
  for (const [text, id] of cases) {
    const message = from(text);
    assert.equal(message.kind, "invalid", text);
    assert.equal(message.problem!.code, -32600, text);
    assert.equal(textOf(message.id), id, text);
  }
});

Deno.test("from() refuses a second envelope key in any spelling", () => {
  const cases = [
    '{"jsonrpc":"2.0","id":1,"Method":"tools/list"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","metHod":"b"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","m\\u0065thod":"b"}',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}',
    '{"jsonrpc":"2.0","id":1,"ID":2,"method":"a"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","param\u017f":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{},"params":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","name":"y"}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","Name":"y"}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","na\\u006de":"y"}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"uri":"x","URI":"y"}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"progressToken":1,"progressToken":2}}}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"progressTo\u212aen":1}}}',
  ];
  for (const text of cases) assert.equal(from(text).problem?.code, -32600, text);
});

Deno.test("from() reads an escaped key as what it means", () => {
  const message = from(
    '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"tools/call","params":{"na\\u006de":"x"}}',
  );
  assert.equal(message.method, "tools/call");
  assert.equal(message.name, "x");
});

Deno.test("from() leaves foreign keys alone, dangerous ones included", () => {
  const text = call(
    "1",
    ',"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"Name":1',
  );
  const message = from(text);
  assert.equal(message.problem, undefined);
  assert.equal(textOf(message.bytes), text);
  assert.equal(({} as Record<string, unknown>).admin, undefined);
});

Deno.test("from() limits the depth, and tells deep JSON from text that never closes", () => {
  const nested = (open: string, close: string, n: number) => open.repeat(n) + "1" + close.repeat(n);
  assert.equal(from(call("1", `,"d":${"[".repeat(64)}${"]".repeat(64)}`)).problem, undefined);
  assert.equal(from(call("1", `,"d":${nested("[", "]", 125)}`)).problem, undefined);
  assert.equal(from(call("1", `,"d":${nested("[", "]", 126)}`)).problem?.code, -32600);
  assert.equal(from(call("1", `,"d":${nested("[", "]", 100_000)}`)).problem?.code, -32600);
  assert.equal(from(call("1", `,"d":${nested('{"a":', "}", 100_000)}`)).problem?.code, -32600);
  assert.equal(from("[".repeat(200)).problem?.code, -32700);
});

Deno.test("from() trims white space around the text", () => {
  const message = from(` \r\n\t${call("5")} \n`);
  assert.equal(textOf(message.bytes), call("5"));
  assert.equal(textOf(message.id), "5");
  assert.equal(message.name, "echo");
});

Deno.test("name, uri and progress tokens are read where the specification puts them", () => {
  const request = from(
    '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a:\\u0062","_meta":{"progressToken":"t\\n"}}}',
  );
  assert.equal(request.uri, "a:b");
  assert.equal(request.name, undefined);
  assert.equal(textOf(request.progressToken), '"t\\n"');
  const progress = from(
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":12,"progress":1}}',
  );
  assert.equal(textOf(progress.progressToken), "12");
  const cancelled = from(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}',
  );
  assert.equal(textOf(cancelled.requestId), '"r"');
});

Deno.test("withId() and its kin change nothing but their part", () => {
  const text =
    '{"id":12, "method":"tools/call","jsonrpc":"2.0","params":{"_meta":{"progressToken":7},"name":"é","x":1.0}}';
  const changed = from(text).withId(encoder.encode('"longer id"')).withProgressToken(
    encoder.encode("1"),
  );
  assert.equal(
    textOf(changed.bytes),
    text.replace("12", '"longer id"').replace(":7}", ":1}"),
  );
  assert.equal(textOf(changed.id), '"longer id"');
  assert.equal(textOf(changed.progressToken), "1");
  assert.equal(changed.name, "é");
  assert.equal(
    textOf(changed.withId(encoder.encode("12")).withProgressToken(encoder.encode("7")).bytes),
    text,
  );
  const cancelled = from(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}',
  ).withRequestId(encoder.encode("99"));
  assert.equal(cancelled.json().params.requestId, 99);
});

Deno.test("with...() returns the message itself when it has no such part", () => {
  const message = from('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  assert.equal(message.withId(encoder.encode("1")), message);
  assert.equal(message.withProgressToken(encoder.encode("1")), message);
  assert.equal(message.withRequestId(encoder.encode("1")), message);
});

Deno.test("lineBytes() neutralises line breaks between tokens and nothing else", () => {
  const message = from('{"jsonrpc":"2.0",\n"id":1,\r\n"method":"ping"}');
  assert.equal(textOf(message.lineBytes()), '{"jsonrpc":"2.0", "id":1,  "method":"ping"}');
  const clean = from(call("1", ',"s":"\\n"'));
  assert.equal(clean.lineBytes(), clean.bytes);
});

Deno.test("isToolError is true only for a result that says so", () => {
  assert.equal(
    from('{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}').isToolError,
    true,
  );
  assert.equal(from('{"jsonrpc":"2.0","id":1,"result":{"isError":false}}').isToolError, false);
  assert.equal(
    from('{"jsonrpc":"2.0","id":1,"result":{"content":[{"isError":true}]}}').isToolError,
    false,
  );
});
