import assert from "node:assert/strict";
import fc from "fast-check";
import { GatewayError } from "../../../lib/core/errors.ts";
import { Message } from "../../../lib/core/message.ts";
import {
  encodeEvent,
  encodePriming,
  encodeRetry,
  HEARTBEAT,
} from "../../../lib/framing/sse_encoding.ts";
import { SseDecoder } from "../../../lib/framing/sse_events.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Seen {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

function decode(chunks: readonly Uint8Array[], decoding = new SseDecoder()): Seen[] {
  return chunks.flatMap((chunk) =>
    decoding.push(chunk).map(({ type, data, lastEventId }) => ({
      type,
      data: decoder.decode(data),
      lastEventId,
    }))
  );
}

function decodeText(text: string, decoding?: SseDecoder): Seen[] {
  return decode([encoder.encode(text)], decoding);
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.slice(start, at[i] ?? bytes.length));
}

const data = (text: string): Seen => ({ type: "message", data: text, lastEventId: "" });

Deno.test("SseDecoder reads the examples of WHATWG HTML 9.2", () => {
  assert.deepEqual(decodeText("data: YHOO\ndata: +2\ndata: 10\n\n"), [data("YHOO\n+2\n10")]);
  assert.deepEqual(
    decodeText(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
    ),
    [
      { type: "message", data: "first event", lastEventId: "1" },
      data("second event"),
      data(" third event"),
    ],
  );
  assert.deepEqual(decodeText("data\n\ndata\ndata\n\ndata:"), [data(""), data("\n")]);
  assert.deepEqual(decodeText("data:test\n\ndata: test\n\n"), [data("test"), data("test")]);
});

Deno.test("SseDecoder accepts LF, CR and CRLF and drops a byte order mark", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const text = ["\ufeffevent: e", "id: 7", "data: a", "data: b", "", "data: c", "", ""].join(end);
    assert.deepEqual(decodeText(text), [
      { type: "e", data: "a\nb", lastEventId: "7" },
      { type: "message", data: "c", lastEventId: "7" },
    ]);
  }
});

Deno.test("SseDecoder ignores an id with NUL, unknown fields and a retry that is no number", () => {
  const decoding = new SseDecoder();
  const seen = decodeText(
    "id: 1\nid: a\0b\nfoo: x\nretry: 10\nretry: 1x\nretry: -5\ndatax: no\ndata: y\n\n",
    decoding,
  );
  assert.deepEqual(seen, [{ type: "message", data: "y", lastEventId: "1" }]);
  assert.equal(decoding.retryMs, 10);
});

Deno.test("SseDecoder takes the id of an event without data", () => {
  const decoding = new SseDecoder();
  assert.deepEqual(decodeText("id: 41\n\nid: 42\n", decoding), []);
  assert.equal(decoding.lastEventId, "41", "an event counts when its blank line has come");
});

Deno.test("SseDecoder hands on a data field of one chunk as a view", () => {
  const chunk = encoder.encode("data: {}\n\n");
  const [event] = new SseDecoder().push(chunk);
  assert.equal(event.data.buffer, chunk.buffer);
});

Deno.test("SseDecoder fails when an event passes the limit, whole, in lines or unterminated", () => {
  const tooMuch = (decoding: SseDecoder, text: string) =>
    assert.throws(
      () => decodeText(text, decoding),
      (error) =>
        error instanceof GatewayError && error.failure === "UpstreamProtocolError" && error.fatal,
    );
  tooMuch(new SseDecoder(100), `data: ${"x".repeat(101)}\n\n`);
  tooMuch(new SseDecoder(100), `data: ${"x".repeat(60)}\ndata: ${"x".repeat(60)}\n\n`);
  tooMuch(new SseDecoder(100), "x".repeat(200));
  tooMuch(new SseDecoder(100), `data: ${"x".repeat(60)}\ndata: ${"x".repeat(60)}`);
  tooMuch(new SseDecoder(), "event: x\n".repeat(65_537));
  assert.equal(decodeText(`data: ${"x".repeat(100)}\n\n`, new SseDecoder(100)).length, 1);
  assert.deepEqual(decodeText(": x\n".repeat(100_000), new SseDecoder(100)), []);
});

const line = fc.oneof(
  fc.constantFrom(
    "data: a",
    "data:",
    "data",
    "id: 5",
    "id:",
    "event: e",
    "retry: 3",
    ":",
    ": c",
    "",
    "",
    "x",
  ),
  fc.string().map((text) => text.replace(/[\r\n]/g, "")),
);
const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")))
  .map((lines) => lines.map(([text, end]) => text + end).join(""));

Deno.test("SseDecoder reads the same events however the bytes are split", () => {
  fc.assert(
    fc.property(stream, fc.boolean(), fc.array(fc.nat()), (text, mark, cuts) => {
      const bytes = encoder.encode((mark ? "\ufeff" : "") + text);
      const whole = decode([bytes.slice()]);
      assert.deepEqual(decode(split(bytes, cuts)), whole);
      assert.deepEqual(decode(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
    }),
    { numRuns: 500 },
  );
});

Deno.test("SseDecoder throws nothing but GatewayError on hostile bytes and holds no more than the limit", () => {
  const byte = fc.oneof(
    fc.nat(255),
    fc.constantFrom(...encoder.encode("data: id:event retry\r\n\r\n\n\0\ufeff")),
  );
  const chunk = fc.array(byte, { maxLength: 80 }).map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(fc.array(chunk), (chunks) => {
      const decoding = new SseDecoder(64);
      try {
        for (const piece of chunks) {
          for (const event of decoding.push(piece)) assert.ok(event.data.length <= 64);
          assert.ok(decoding.heldBytes <= 64 + 6);
        }
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("encodeEvent() and SseDecoder round trip any message", () => {
  const id = fc.option(fc.stringMatching(/^[\x21-\x7e]{1,40}$/), { nil: undefined });
  fc.assert(fc.property(fc.jsonValue(), id, fc.array(fc.nat()), (value, eventId, cuts) => {
    const text = JSON.stringify({ jsonrpc: "2.0", method: "m", params: { value } }, null, "\r\n");
    const message = Message.from(encoder.encode(text));
    const [event, ...more] = decode(split(encodeEvent(message, eventId), cuts));
    assert.equal(more.length, 0);
    assert.equal(event.data, decoder.decode(message.lineBytes()));
    assert.deepEqual(JSON.parse(event.data), JSON.parse(text));
    assert.equal(event.lastEventId, eventId ?? "");
  }));
});

Deno.test("encodeEvent() refuses an id that could break the framing", () => {
  const message = Message.from(encoder.encode('{"jsonrpc":"2.0","method":"m"}'));
  for (const id of ["a\nb", "a b", "é", "\0"]) {
    assert.throws(() => encodeEvent(message, id), GatewayError);
  }
});

Deno.test("encodePriming(), encodeRetry() and HEARTBEAT carry no message", () => {
  const decoding = new SseDecoder();
  const chunks = [encodePriming("p1", 1000), encodeRetry(250), HEARTBEAT];
  assert.deepEqual(decode(chunks, decoding), [{ type: "message", data: "", lastEventId: "p1" }]);
  assert.equal(decoding.retryMs, 250);
});
