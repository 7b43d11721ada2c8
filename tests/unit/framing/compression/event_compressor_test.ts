import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { TransportError } from "../../../../lib/core/errors.ts";
import { EventCompressor } from "../../../../lib/framing/compression/event_compressor.ts";

const encoder = new TextEncoder();
const event = (n: number, bytes = 100) =>
  encoder.encode(`event: message\nid: ${n}\ndata: {"n":${n},"t":"${"x".repeat(bytes)}"}\n\n`);

/** A peer that inflates as it reads, by the platform's own means. */
class Peer {
  readonly #stream = new DecompressionStream("gzip");
  readonly #writer = this.#stream.writable.getWriter();
  readonly #reader = this.#stream.readable.getReader();

  /** Gives the peer bytes and reads until it has so many. */
  async read(bytes: Uint8Array, byteLength: number): Promise<Uint8Array> {
    const written = this.#writer.write(new Uint8Array(bytes));
    const text: number[] = [];
    while (text.length < byteLength) text.push(...(await this.#reader.read()).value!);
    await written;
    return Uint8Array.from(text);
  }

  async end(bytes: Uint8Array): Promise<boolean> {
    const ended = Promise.all([this.#writer.write(new Uint8Array(bytes)), this.#writer.close()]);
    const { done } = await this.#reader.read();
    await ended;
    return done;
  }
}

Deno.test("EventCompressor makes each event readable at once", async () => {
  using compressor = new EventCompressor();
  const peer = new Peer();
  for (let n = 0; n < 50; n++) {
    const plain = event(n, n * n);
    const coded = await compressor.compress(plain);
    assert.deepEqual(await peer.read(coded, plain.length), plain);
  }
  assert.equal(await peer.end(await compressor.end()), true);
});

Deno.test("EventCompressor finds what earlier events have in common", async () => {
  using compressor = new EventCompressor();
  await compressor.compress(event(1));
  assert.ok((await compressor.compress(event(2))).length < event(2).length / 4);
});

Deno.test("EventCompressor keeps the order of events that nobody waited for", async () => {
  using compressor = new EventCompressor();
  const events = Array.from({ length: 20 }, (_, n) => event(n, 20_000));
  const pieces = await Promise.all(events.map((plain) => compressor.compress(plain)));
  pieces.push(await compressor.end());
  const whole = gunzipSync(new Uint8Array(pieces.flatMap((piece) => [...piece])));
  assert.deepEqual(new Uint8Array(whole), new Uint8Array(events.flatMap((plain) => [...plain])));
});

Deno.test("EventCompressor refuses events after its end and lets go of who waits", async () => {
  const compressor = new EventCompressor();
  const waiting = assert.rejects(compressor.compress(event(1)), TransportError);
  compressor[Symbol.dispose]();
  await waiting;
  await assert.rejects(compressor.compress(event(2)), TransportError);
  await assert.rejects(compressor.end(), TransportError);
  compressor[Symbol.dispose]();
});
