import assert from "node:assert/strict";
import fc from "fast-check";
import { Message } from "../../lib/core/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** JSON text with arbitrary white space and number spellings. */
const jsonText = fc.json({ depthSize: "medium" }).chain((text) =>
  fc.constantFrom("", " ", "\n", "\r\n\t").map((space) => text.replaceAll(",", `,${space}`))
);
const id = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.string({ unit: "grapheme" }).map((s) => JSON.stringify(s)),
);
const params = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => {
  for (const key of Object.keys(value)) {
    if (/^(name|uri|_meta|progresstoken|requestid)$/i.test(key)) delete value[key];
  }
  return JSON.stringify(value);
});

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decoder.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

Deno.test("from() accepts as JSON exactly what JSON.parse accepts", () => {
  const mutated = fc.tuple(jsonText, fc.nat(), fc.constantFrom(...'{}[]",:\\0e-.tn\n \u00e9')).map(
    ([text, at, character]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + character + text.slice(cut + at % 2);
    },
  );
  fc.assert(
    fc.property(fc.oneof(jsonText, mutated), (text) => {
      const bytes = encoder.encode(text);
      assert.equal(Message.from(bytes).problem?.code === -32700, !parses(bytes), text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("from() never throws, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const message = Message.from(bytes);
      assert.equal(message.problem?.code === -32700, !parses(bytes));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("from() keeps id and params byte for byte, and withId() undoes itself", () => {
  fc.assert(
    fc.property(id, params, id, (first, rest, second) => {
      const text = `{"jsonrpc":"2.0","params":${rest},"id":${first},"method":"x/y"}`;
      const message = Message.from(encoder.encode(text));
      if (encoder.encode(first).length > 1024) return;
      assert.equal(message.problem, undefined, text);
      assert.equal(decoder.decode(message.id), first);
      const there = message.withId(encoder.encode(second));
      assert.equal(
        decoder.decode(there.bytes),
        `{"jsonrpc":"2.0","params":${rest},"id":${second},"method":"x/y"}`,
      );
      assert.equal(decoder.decode(there.withId(message.id!).bytes), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("lineBytes() means the same and holds no line break", () => {
  fc.assert(
    fc.property(params, fc.constantFrom("\n", "\r", "\r\n"), (rest, lineBreak) => {
      const text =
        `{${lineBreak}"jsonrpc":"2.0",${lineBreak}"method":"m","params":${rest}${lineBreak}}`;
      const message = Message.from(encoder.encode(text));
      const line = message.lineBytes();
      assert.ok(!line.includes(10) && !line.includes(13));
      assert.deepEqual(JSON.parse(decoder.decode(line)), JSON.parse(text));
    }),
  );
});
