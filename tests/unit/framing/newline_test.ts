import assert from "node:assert/strict";
import fc from "fast-check";
import { request } from "../../../lib/core/compose.ts";
import type { Batch, Decoder } from "../../../lib/core/connection.ts";
import { Message } from "../../../lib/core/message.ts";
import { newline } from "../../../lib/framing/newline.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const bytes = (text: string) => encoder.encode(text);
const open = (messageBytesMax = 1024) => newline({ messageBytesMax }).decoder();

/** What a test compares of a message. */
function shown(batch: Batch): string[] {
  return batch.map(({ kind, bytes, problem }) =>
    `${kind} ${decoder.decode(bytes)}${problem === undefined ? "" : ` ${problem.failure}`}`
  );
}

function decodeAll(target: Decoder, chunks: readonly Uint8Array[]): string[] {
  return [...chunks.flatMap((chunk) => shown(target.push(chunk))), ...shown(target.end())];
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const SHOWN_PING = `request ${PING}`;

Deno.test("newline() decodes the lines of one chunk as views of it", () => {
  const chunk = bytes(`${PING}\n${PING}\r\n`);
  const batch = open().push(chunk);
  assert.deepEqual(shown(batch), [SHOWN_PING, SHOWN_PING]);
  for (const message of batch) assert.equal(message.bytes.buffer, chunk.buffer);
});

Deno.test("newline() assembles a line that spans chunks", () => {
  const target = open();
  assert.deepEqual(shown(target.push(bytes(PING.slice(0, 10)))), []);
  assert.deepEqual(shown(target.push(bytes(PING.slice(10, 20)))), []);
  const rest = bytes(`${PING.slice(20)}\n${PING}\n`);
  const batch = target.push(rest);
  assert.deepEqual(shown(batch), [SHOWN_PING, SHOWN_PING]);
  assert.equal(batch[1].bytes.buffer, rest.buffer);
});

Deno.test("newline() does not keep views of chunks that hold part of a line", () => {
  const target = open();
  const chunk = bytes(PING.slice(0, 10));
  target.push(chunk);
  chunk.fill(0);
  assert.deepEqual(shown(target.push(bytes(`${PING.slice(10)}\n`))), [SHOWN_PING]);
});

Deno.test("newline() skips blank lines", () => {
  assert.deepEqual(decodeAll(open(), [bytes(`\n\r\n \t\r\n${PING}\n\n`)]), [SHOWN_PING]);
  assert.deepEqual(decodeAll(open(), [bytes(" \n  ")]), []);
});

Deno.test("newline() delivers a last line without a line end", () => {
  assert.deepEqual(decodeAll(open(), [bytes(PING)]), [SHOWN_PING]);
  assert.deepEqual(decodeAll(open(), [bytes(PING.slice(0, -1))]), ["invalid 1 ParseError"]);
});

Deno.test("newline() goes on after a line that is no message", () => {
  assert.deepEqual(decodeAll(open(), [bytes(`nonsense\n${PING}\n`)]), [
    "invalid  ParseError",
    SHOWN_PING,
  ]);
});

Deno.test("newline() takes a line of exactly the limit, in any split, and none above", () => {
  const line = bytes(`${PING}\n`);
  for (let split = 0; split <= line.length; split++) {
    const chunks = () => [line.slice(0, split), line.slice(split)];
    assert.deepEqual(decodeAll(open(PING.length), chunks()), [SHOWN_PING]);
    const over = decodeAll(open(PING.length - 1), chunks());
    assert.deepEqual(over, ["invalid  PayloadTooLarge"]);
  }
});

Deno.test("newline() ignores everything after a line over the limit", () => {
  const target = open(PING.length);
  const batch = target.push(bytes(`${PING}\n${PING} \n${PING}\n`));
  assert.deepEqual(shown(batch), [SHOWN_PING, "invalid  PayloadTooLarge"]);
  assert.equal(batch[1].problem?.fatal, true);
  assert.deepEqual(shown(target.push(bytes(`${PING}\n`))), []);
  assert.deepEqual(shown(target.end()), []);
});

Deno.test("newline() refuses an endless line as soon as it passes the limit", () => {
  const target = open(1000);
  for (let i = 0; i < 10; i++) assert.deepEqual(shown(target.push(bytes("x".repeat(100)))), []);
  assert.deepEqual(shown(target.push(bytes("x"))), ["invalid  PayloadTooLarge"]);
  assert.deepEqual(shown(target.end()), []);
});

Deno.test("newline() assembles 4 MiB from 64-byte chunks with linear work", () => {
  const messageBytesMax = 4 * 1024 * 1024;
  const head = '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"text":"', tail = '"}}';
  const text = head + "x".repeat(messageBytesMax - head.length - tail.length) + tail;
  const line = bytes(`${text}\n`);
  const target = open(messageBytesMax);
  const found: Message[] = [];
  // A copy of all that came before with every chunk would move 137 GB.
  for (let at = 0; at < line.length; at += 64) {
    found.push(...target.push(line.subarray(at, at + 64)));
  }
  assert.equal(found.length, 1);
  assert.equal(found[0].bytes.length, messageBytesMax);
});

Deno.test("newline() decodes the same from any split", () => {
  const line = fc.oneof(
    fc.json().map((json) => `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"v":${json}}}`),
    fc.constantFrom("", " ", "\r", PING, `${PING}\r`, "nonsense", "[]", "x".repeat(301)),
    fc.string({ unit: "grapheme" }),
  );
  const text = fc.tuple(fc.array(line), fc.boolean()).map(([lines, isEnded]) =>
    lines.join("\n") + (isEnded ? "\n" : "")
  );
  fc.assert(fc.property(text, fc.array(fc.nat()), (all, cuts) => {
    const whole = bytes(all);
    const places = cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b);
    const chunks = [0, ...places].map((start, i) => whole.slice(start, places[i]));
    assert.deepEqual(decodeAll(open(300), chunks), decodeAll(open(300), [whole.slice()]));
    const single = Array.from(whole, (byte) => Uint8Array.of(byte));
    assert.deepEqual(decodeAll(open(300), single), decodeAll(open(300), [whole.slice()]));
  }));
});

Deno.test("newline() encodes a batch as one line each", () => {
  const batch = [request(1, "ping"), request("a", "ping", { text: "é\n" })];
  const lines = decoder.decode(newline({ messageBytesMax: 1024 }).encode(batch)).split("\n");
  assert.deepEqual(lines.slice(0, -1), batch.map((message) => decoder.decode(message.bytes)));
  assert.equal(lines.at(-1), "");
});

Deno.test("newline() never lets a line break between tokens begin a second message", () => {
  const smuggling = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":\n${PING}\r\n,"b":1}}`;
  const message = Message.from(bytes(smuggling));
  assert.equal(message.kind, "request");
  const codec = newline({ messageBytesMax: 1024 });
  const line = codec.encode([message]);
  assert.equal(line.indexOf(10), line.length - 1);
  assert.equal(line.includes(13), false);
  const [read, ...others] = codec.decoder().push(line);
  assert.deepEqual(read.json(), message.json());
  assert.deepEqual(others, []);
});

Deno.test("newline() returns what it encoded", () => {
  const codec = newline({ messageBytesMax: 100_000 });
  fc.assert(fc.property(fc.array(fc.jsonValue()), (values) => {
    const batch = values.map((value, i) => request(i, "ping", { value }));
    assert.deepEqual(shown(codec.decoder().push(codec.encode(batch))), shown(batch));
  }));
});
