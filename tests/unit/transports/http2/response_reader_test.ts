import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ResponseReader } from "../../../../transports/http2/response_reader.ts";

/** Reads an answer in pieces of these lengths, over and over. */
function read(text: string, lengths: readonly number[] = [text.length], hasBody = true) {
  const reader = new ResponseReader(hasBody);
  const bytes = Buffer.from(text, "latin1"), parts: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; at += lengths[i++ % lengths.length]) {
    parts.push(...reader.push(bytes.subarray(at, at + lengths[i % lengths.length])));
  }
  const isDone = reader.isDone;
  return { head: reader.head, body: Buffer.concat(parts).toString(), isDone, ends: reader.end() };
}

const CHUNKED =
  "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" +
  "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n";

Deno.test("ResponseReader reads the same whatever the pieces", () => {
  const whole = {
    head: { status: 200, headers: [["a", "1"]], bodyBytes: Infinity, closes: true },
    body: "abc0123456789",
    isDone: true,
    ends: true,
  };
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(lengths, (some) => assert.deepEqual(read(CHUNKED, some), whole)));
});

Deno.test("ResponseReader leaves interim answers out", () => {
  const { head, body } = read(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
  );
  assert.deepEqual([head?.status, head?.bodyBytes, body], [413, 2, "no"]);
});

Deno.test("ResponseReader knows answers without a body, and those that end with the connection", () => {
  const length = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
  assert.equal(read(length, undefined, false).isDone, true);
  assert.equal(read("HTTP/1.1 204 No Content\r\n\r\n").isDone, true);
  assert.deepEqual(read(`${length}abc`).ends, false);
  const { body, isDone, ends } = read("HTTP/1.1 200 OK\r\n\r\nabc");
  assert.deepEqual([body, isDone, ends], ["abc", false, true]);
});

Deno.test("ResponseReader throws when it is given no answer", () => {
  assert.throws(() => read("GET / HTTP/1.1\r\n\r\n"), RangeError);
  assert.throws(
    () => read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n"),
    RangeError,
  );
  assert.throws(() => read("x".repeat(300_000)), RangeError);
});
