import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { HttpAnswers } from "../../../lib/bench/http_answer.ts";

const JSON_ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nMcp-Session-Id: s1\r\n\r\n" +
  '{"a":1}';
const ANSWERS: readonly (readonly [string, string, number, readonly string[]])[] = [
  ["a document", JSON_ANSWER, 200, ['{"a":1}']],
  ["a document behind 100 Continue", `HTTP/1.1 100 Continue\r\n\r\n${JSON_ANSWER}`, 200, [
    '{"a":1}',
  ]],
  ["nothing", "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202, []],
  [
    "a document in chunks",
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\n\r\n',
    ...[200, ['{"a":1}']] as const,
  ],
  [
    "a stream of events",
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" +
    'b\r\nid: 1\ndata:\r\n1\r\n\n\r\ne\r\n\ndata: {"a":1}\r\n2\r\n\n\n\r\n0\r\n\r\n',
    ...[200, ['{"a":1}']] as const,
  ],
];

for (const [name, text, status, bodies] of ANSWERS) {
  Deno.test(`HttpAnswers reads ${name}, however it is split, time and again`, () => {
    const bytes = Buffer.from(text + text);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
      const at = [...new Set([text.length, ...cuts])].sort((a, b) => a - b);
      const answers = new HttpAnswers();
      const found: string[] = [];
      let done = 0, start = 0;
      for (const end of [...at, bytes.length]) {
        const progress = answers.push(bytes.subarray(start, end));
        found.push(...progress.bodies.map((body) => Buffer.from(body).toString()));
        if (progress.isDone) {
          done++;
          assert.equal(progress.status, status);
        }
        start = end;
      }
      assert.equal(done, 2);
      assert.deepEqual(found, [...bodies, ...bodies]);
    }));
  });
}

Deno.test("HttpAnswers refuses what is not HTTP", () => {
  assert.throws(() => new HttpAnswers().push(Buffer.from("SSH-2.0-x\r\n\r\n")), /not HTTP/);
  assert.throws(() => new HttpAnswers().push(Buffer.alloc(70_000, 0x61)), /too long/);
});
