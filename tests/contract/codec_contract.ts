/**
 * What every {@link Codec} must do: find the same messages in any split of the bytes, keep its limits to the
 * byte, never throw, never hold more than it may, and never make two messages of one.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { request } from "../../lib/core/compose.ts";
import type { Batch, Codec, Decoder } from "../../lib/core/connection.ts";
import { Message } from "../../lib/core/message.ts";

/** A framing under test. */
export interface CodecUnderTest {
  readonly name: string;
  /** A codec for one connection. */
  make(messageBytesMax: number): Codec;
  /** Bytes that a decoder may take at most without completing or refusing anything, by its limit. */
  heldBytesMax(messageBytesMax: number): number;
}

/** Registers the contract for one framing. */
export function codecContract(codec: CodecUnderTest): void {
  for (const [title, check] of Object.entries(CLAUSES)) {
    Deno.test(`${codec.name} codec ${title}`, () => check(codec));
  }
}

const LIMIT = 2000;
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const encoder = new TextEncoder(), decoder = new TextDecoder();

const CLAUSES: Readonly<Record<string, (codec: CodecUnderTest) => void>> = {
  "returns what it encoded": ({ make }) => {
    fc.assert(fc.property(batches, (batch) => {
      assert.deepEqual(decodeAll(make(LIMIT), [make(LIMIT).encode(batch)]), shown(batch));
    }));
  },

  "finds the same messages in any split": ({ make }) => {
    fc.assert(fc.property(batches, batches, cuts, (one, two, at) => {
      const sender = make(LIMIT);
      const bytes = concat(sender.encode(one), sender.encode(two));
      const wanted = shown([...one, ...two]);
      assert.deepEqual(decodeAll(make(LIMIT), split(bytes, at)), wanted);
      assert.deepEqual(decodeAll(make(LIMIT), singly(bytes)), wanted);
    }));
  },

  "takes a message of exactly the limit, in any split, and none above": ({ make }) => {
    const exact = messageOf(300);
    const bytes = concat(make(LIMIT).encode([exact]), make(LIMIT).encode([exact]));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const chunks = () => [bytes.slice(0, cut), bytes.slice(cut)];
      assert.deepEqual(decodeAll(make(300), chunks()), shown([exact, exact]));
      assert.deepEqual(decodeAll(make(299), chunks()), ["invalid PayloadTooLarge fatal"]);
    }
  },

  "says nothing more after a fatal problem": ({ make }) => {
    const target = make(100).decoder();
    const [problem, ...more] = target.push(make(LIMIT).encode([messageOf(300)]));
    assert.equal(problem.problem?.fatal, true);
    assert.deepEqual(more, []);
    assert.deepEqual(target.push(make(LIMIT).encode([Message.from(encoder.encode(PING))])), []);
    assert.deepEqual(target.end(), []);
  },

  "throws on no bytes, and sees the same in any split of them": ({ make }) => {
    const sound = batches.map((batch) => make(LIMIT).encode(batch));
    const damaged = fc.tuple(sound, fc.array(fc.tuple(fc.nat(), fc.nat(255)))).map(
      ([bytes, changes]) => {
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes;
      },
    );
    const hostile = fc.oneof(fc.uint8Array({ maxLength: 4 * LIMIT }), damaged, damaged);
    fc.assert(
      fc.property(hostile, cuts, (bytes, at) => {
        const whole = decodeAll(make(LIMIT), [bytes.slice()]);
        assert.deepEqual(decodeAll(make(LIMIT), split(bytes, at)), whole);
        assert.deepEqual(decodeAll(make(LIMIT), singly(bytes)), whole);
      }),
      { numRuns: 500 },
    );
  },

  "never holds more than the limit": ({ make, heldBytesMax }) => {
    const head = fc.uint8Array({ maxLength: 12 });
    fc.assert(
      fc.property(head, fc.constantFrom(0, 1, 0x20, 0x78, 0xff), (start, filler) => {
        const target = make(LIMIT).decoder();
        let silentBytes = 0;
        const chunk = () => new Uint8Array(1000).fill(filler);
        for (let fed = 0; fed <= 2 * heldBytesMax(LIMIT); fed += 1000) {
          const batch = target.push(fed === 0 ? concat(start, chunk()) : chunk());
          if (batch.at(-1)?.problem?.fatal) return;
          silentBytes = batch.length > 0 ? 0 : silentBytes + 1000;
          assert.ok(silentBytes <= heldBytesMax(LIMIT) + 2000, `${silentBytes} bytes held`);
        }
      }),
      { numRuns: 50 },
    );
  },

  "never makes a second message of line breaks between tokens": ({ make }) => {
    const text = `{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":\n${PING}\r\n,"b":"\\n"}}`;
    const message = Message.from(encoder.encode(text));
    assert.equal(message.kind, "request");
    const batch = decode(make(LIMIT).decoder(), [make(LIMIT).encode([message, message])]);
    assert.equal(batch.length, 2);
    for (const read of batch) assert.deepEqual(read.json(), message.json());
  },
};

/** A message of exactly so many bytes. */
function messageOf(byteLength: number): Message {
  const empty = request(1, "ping", { text: "" }).bytes.length;
  return request(1, "ping", { text: "x".repeat(byteLength - empty) });
}

const params = fc.oneof(
  fc.jsonValue().map((value) => ({ value })),
  fc.nat(1500).map((length) => ({ text: "abc ".repeat(length / 4) })),
);
const batches: fc.Arbitrary<Batch> = fc.array(params, { maxLength: 8 }).map((all) =>
  all.map((value, id) => request(id, "tools/call", value))
    .filter((message) => message.bytes.length <= LIMIT)
);
const cuts = fc.array(fc.nat(), { maxLength: 12 });

function split(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((start, i) => bytes.slice(start, places[i]));
}

function singly(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decode(target: Decoder, chunks: readonly Uint8Array[]): Message[] {
  return [...chunks.flatMap((chunk) => target.push(chunk)), ...target.end()];
}

function decodeAll(codec: Codec, chunks: readonly Uint8Array[]): string[] {
  return shown(decode(codec.decoder(), chunks));
}

/** What the contract compares: framings may turn line breaks between tokens into spaces. */
function shown(batch: Batch): string[] {
  return batch.map((message) => {
    const { kind, problem } = message;
    if (problem !== undefined) return `${kind} ${problem.failure}${problem.fatal ? " fatal" : ""}`;
    return `${kind} ${decoder.decode(message.lineBytes())}`;
  });
}
