import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { FrameGuard, type Violation } from "../../../../transports/http2/frame_guard.ts";
import { GuardedFlow } from "../../../../transports/http2/guarded_flow.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { frame } from "../../../fault/http2_raw.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const TOO_LARGE = frame(0, 0, 1, Buffer.alloc(16_385)).subarray(0, 17);
const MEBIBYTE = 1024 * 1024;

/** The near end of a connection whose far end is the test. */
class NearEnd extends Duplex {
  readonly written: Uint8Array[] = [];

  constructor() {
    super({ allowHalfOpen: true });
    this.on("error", () => {});
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.written.push(bytes);
    this.emit("wrote");
    done();
  }
}

/** A flow between two such ends. */
class Scene {
  readonly carrier = new NearEnd();
  readonly inner = new NearEnd();
  readonly guard = new FrameGuard();
  readonly violations: Violation[] = [];
  readonly starts: boolean[] = [];
  ends = 0;
  readonly #flow: GuardedFlow;

  constructor() {
    const { carrier, inner } = this;
    const flow = { start: () => this.starts.push(true), stop: () => this.starts.push(false) };
    this.#flow = new GuardedFlow(
      { carrier: asSocket(carrier), inner: asSocket(inner), flow },
      this.guard,
      {
        onViolation: (violation) => void this.violations.push(violation),
        onEnd: () => void this.ends++,
      },
    );
  }

  /** A request has reached us. */
  asked(): void {
    this.#flow.asked();
  }

  /** Bytes of the client arrive. */
  async client(bytes: Uint8Array): Promise<void> {
    this.carrier.push(bytes);
    await turn();
  }

  /** Bytes of the server arrive. */
  async server(bytes: Uint8Array): Promise<void> {
    this.inner.push(bytes);
    await turn();
  }
}

function asSocket(end: NearEnd): Socket {
  return end as unknown as Socket;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function goAway(lastStream: number, code: number, reason: string): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStream, 0);
  payload.writeUInt32BE(code, 4);
  return frame(7, 0, 0, Buffer.concat([payload, Buffer.from(reason)]));
}

Deno.test("GuardedFlow carries bytes both ways and starts the flow", async () => {
  const scene = new Scene();
  assert.deepEqual(scene.starts, [true]);
  await scene.client(PREFACE.subarray(0, 10));
  const rest = Buffer.concat([PREFACE.subarray(10), frame(4, 0, 0, new Uint8Array(0))]);
  await scene.client(rest);
  await scene.server(frame(4, 1, 0, new Uint8Array(0)));
  assert.deepEqual(scene.inner.bytes, Buffer.concat([PREFACE.subarray(0, 10), rest]));
  assert.deepEqual(scene.carrier.bytes, frame(4, 1, 0, new Uint8Array(0)));
});

Deno.test("GuardedFlow ends with a GOAWAY between two frames, wherever the server's bytes are cut", async () => {
  const pieces = fc.tuple(fc.nat(60), fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }));
  await fc.assert(fc.asyncProperty(pieces, async ([seen, sizes]) => {
    const { client, server, carrier, inner, violations } = bound(new Scene());
    const answer = Buffer.concat([
      frame(4, 0, 0, Buffer.alloc(6)),
      frame(0, 0, 1, Buffer.alloc(25)),
    ]);
    await client(Buffer.concat([PREFACE, frame(1, 4, 5, Buffer.alloc(3))]));
    await server(answer.subarray(0, seen));
    await client(TOO_LARGE);
    let at = seen;
    for (const size of [...sizes, answer.length]) {
      await server(answer.subarray(at, at + size));
      at += size;
    }
    const boundary = seen === 0 ? 0 : seen <= 15 ? 15 : answer.length;
    const expected = [answer.subarray(0, boundary), goAway(5, 6, "frame_too_large")];
    assert.deepEqual(carrier.bytes, Buffer.concat(expected));
    assert.equal(violations.length, 1);
    assert.ok(inner.destroyed && carrier.writableEnded);
  }));
});

Deno.test("GuardedFlow gives the server nothing of a flood, and takes no more of it than of a late client", async () => {
  const { client, starts, inner, carrier, violations } = bound(new Scene());
  await client(PREFACE);
  await client(TOO_LARGE);
  for (let bytes = 0; bytes < MEBIBYTE; bytes += 65_536) await client(Buffer.alloc(65_536));
  assert.deepEqual([starts, carrier.isPaused()], [[true], false]);
  await client(Buffer.alloc(1));
  assert.deepEqual([starts, carrier.isPaused()], [[true, false], true]);
  assert.deepEqual(inner.bytes, PREFACE);
  assert.equal(violations.length, 1);
});

Deno.test("GuardedFlow completes no reset before its stream is accepted, wherever the bytes are cut", async () => {
  const opened = frame(1, 4, 1, Buffer.alloc(3)), reset = frame(3, 0, 1, Buffer.from([0, 0, 0, 8]));
  const bytes = Buffer.concat([PREFACE, opened, reset, frame(6, 0, 0, Buffer.alloc(8))]);
  const early = PREFACE.length + opened.length + reset.length - 1;
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
    const scene = new Scene();
    const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    for (let i = 1; i < at.length; i++) await scene.client(bytes.subarray(at[i - 1], at[i]));
    assert.deepEqual(scene.inner.bytes, bytes.subarray(0, early));
    scene.asked();
    await turn();
    assert.deepEqual(scene.inner.bytes, bytes);
    assert.deepEqual(scene.starts, [true, false, true]);
  }));
});

Deno.test("GuardedFlow completes a reset in the end when nothing is heard of its stream", async () => {
  const scene = new Scene();
  const reset = frame(3, 0, 1, Buffer.from([0, 0, 0, 8]));
  const bytes = Buffer.concat([PREFACE, frame(1, 4, 1, Buffer.alloc(3)), reset]);
  await scene.client(bytes.subarray(0, -1));
  await scene.client(bytes.subarray(-1));
  while (scene.inner.bytes.length < bytes.length) {
    await bounded(once(scene.inner, "wrote"), "the last byte of a reset");
  }
  assert.deepEqual(scene.inner.bytes, bytes);
});

Deno.test("GuardedFlow leaves the last word to a server that has said why", async () => {
  const { client, server, carrier, inner, violations } = bound(new Scene());
  await client(PREFACE);
  const last = goAway(0, 1, "no");
  await server(last.subarray(0, 17));
  await server(last.subarray(17));
  assert.deepEqual(carrier.bytes, last);
  assert.deepEqual(violations.map(({ reason }) => reason), ["connection_error_1"]);
  assert.ok(inner.destroyed && carrier.writableEnded);
});

Deno.test("GuardedFlow speaks for a server that was cut off", async () => {
  const scene = new Scene();
  const { client, carrier, inner, violations } = bound(scene);
  await client(Buffer.concat([PREFACE, frame(1, 4, 3, Buffer.alloc(3))]));
  inner.emit("close", true); // as `net.Socket` says it after an error
  assert.deepEqual(carrier.bytes, goAway(3, 1, "connection_error"));
  assert.deepEqual([violations.length, scene.ends], [1, 1]);
});

Deno.test("GuardedFlow says nothing when the server has left in peace", async () => {
  const scene = new Scene();
  const { client, server, carrier, inner, violations } = bound(scene);
  await client(PREFACE);
  await server(goAway(0, 0, ""));
  inner.destroy();
  await once(inner, "close");
  assert.deepEqual(carrier.bytes, goAway(0, 0, ""));
  assert.ok(carrier.writableEnded);
  assert.deepEqual([violations, scene.ends], [[], 1]);
});

/** Its methods can be taken apart from it. */
function bound(scene: Scene) {
  const { carrier, inner, violations, starts } = scene;
  const client = (bytes: Uint8Array) => scene.client(bytes);
  const server = (bytes: Uint8Array) => scene.server(bytes);
  return { carrier, inner, violations, starts, client, server };
}
