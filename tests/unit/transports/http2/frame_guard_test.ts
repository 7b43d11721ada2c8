import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { FrameGuard, type Violation } from "../../../../transports/http2/frame_guard.ts";
import { frame } from "../../../fault/http2_raw.ts";

const CALM = 11, FRAME_SIZE = 6, PROTOCOL = 1, NONE = 0;
const NOTHING = new Uint8Array(0);
const four = (value: number) => Buffer.from([0, 0, 0, value]);
const headers = (stream: number, flags = 4, bytes = 10) =>
  frame(1, flags, stream, Buffer.alloc(bytes));
const reset = (stream: number, code: number) => frame(3, 0, stream, four(code));

/** A guard for which no time passes. */
const still = () => new FrameGuard(() => 0);

function sent(guard: FrameGuard, bytes: Uint8Array): Violation | undefined {
  guard.fromClient(bytes);
  return guard.violation;
}

function told(guard: FrameGuard, bytes: Uint8Array): Violation | undefined {
  guard.fromServer(bytes);
  return guard.violation;
}

/** Sends the same frame so long as it is let through. */
function admitted(guard: FrameGuard, bytes: Uint8Array, triesMax = 5000): number {
  for (let count = 0; count < triesMax; count++) if (sent(guard, bytes)) return count;
  return triesMax;
}

Deno.test("FrameGuard lets a flood of any kind go on for so long", () => {
  const floods: [Uint8Array, number, string][] = [
    [reset(1, 8), 1000, "too_many_idle_frames"],
    [frame(4, 0, 0, Buffer.alloc(6)), 100, "too_many_settings"],
    [frame(6, 0, 0, Buffer.alloc(8)), 1000, "too_many_pings"],
    [frame(8, 0, 0, four(1)), 1000, "too_many_window_updates"],
    [frame(0, 0, 1, NOTHING), 1000, "too_many_small_data_frames"],
    [frame(0, 0, 1, Buffer.alloc(63)), 1000, "too_many_small_data_frames"],
    [frame(0, 8, 1, Buffer.alloc(300)), 1000, "too_many_small_data_frames"],
    [frame(2, 0, 1, Buffer.alloc(5)), 1000, "too_many_idle_frames"],
    [frame(0x55, 0, 1, NOTHING), 1000, "too_many_idle_frames"],
    [frame(7, 0, 0, Buffer.alloc(8)), 1000, "too_many_idle_frames"],
    [frame(9, 0, 1, NOTHING), 5, "too_many_continuations"],
  ];
  for (const [bytes, count, reason] of floods) {
    const guard = still();
    assert.equal(admitted(guard, bytes), count, reason);
    assert.deepEqual(guard.violation, { code: CALM, reason, isSaid: false });
  }
});

Deno.test("FrameGuard ends what cannot be right at once", () => {
  assert.deepEqual(sent(still(), frame(0, 0, 1, Buffer.alloc(16_385)).subarray(0, 17)), {
    code: FRAME_SIZE,
    reason: "frame_too_large",
    isSaid: false,
  });
  assert.equal(sent(still(), frame(0, 0, 1, Buffer.alloc(16_384))), undefined);
  const settings = sent(still(), frame(4, 0, 0, Buffer.alloc(33 * 6)));
  assert.equal(settings?.reason, "too_many_settings");
});

Deno.test("FrameGuard measures each block of header fields for itself", () => {
  const guard = still();
  const most = frame(9, 0, 1, Buffer.alloc(16_384));
  for (let stream = 1; stream < 200; stream += 2) {
    guard.fromClient(headers(stream, 0, 0));
    guard.fromClient(most);
    assert.equal(sent(guard, most), undefined);
  }
  assert.equal(sent(guard, frame(9, 4, 199, four(0)))?.reason, "headers_too_large");
  assert.equal(guard.lastStream, 199);
});

Deno.test("FrameGuard takes trailers for no new stream", () => {
  const guard = still();
  guard.fromClient(headers(7));
  assert.equal(admitted(guard, headers(5)), 1010);
  assert.equal(guard.lastStream, 7);
});

Deno.test("FrameGuard lets a busy connection do what goes with its work", () => {
  const guard = still();
  for (let stream = 1; stream < 40_000; stream += 2) {
    guard.fromClient(Buffer.concat([headers(stream), frame(0, 0, stream, Buffer.alloc(20))]));
    guard.asked();
    guard.fromServer(Buffer.concat([headers(stream), frame(0, 0, stream, Buffer.alloc(100))]));
    const after = [
      frame(8, 0, stream, four(1)),
      frame(8, 0, 0, four(1)),
      frame(6, 0, 0, Buffer.alloc(8)),
      stream % 4 === 1 ? reset(stream, 8) : NOTHING,
    ];
    assert.equal(sent(guard, Buffer.concat(after)), undefined, `stream ${stream}`);
  }
});

/** What happens to one call. */
interface Fate {
  readonly isAnswered?: boolean;
  readonly isCancelled?: boolean;
}

/** How many rounds of such calls a guard lets through. */
function roundsAdmitted(fates: readonly Fate[]): number {
  const guard = still();
  for (let round = 0, stream = 1; round < 3000; round++) {
    for (const { isAnswered, isCancelled } of fates) {
      guard.fromClient(headers(stream));
      guard.asked();
      if (isAnswered) guard.fromServer(headers(stream));
      if (isCancelled) guard.fromClient(reset(stream, 8));
      stream += 2;
    }
    if (guard.violation !== undefined) return round;
  }
  return 3000;
}

Deno.test("FrameGuard counts the calls that a client cancels, up to half of all", () => {
  const answered = { isAnswered: true }, cancelled = { isCancelled: true };
  assert.equal(roundsAdmitted([cancelled]), 200);
  assert.equal(roundsAdmitted([answered, cancelled]), 3000);
  assert.equal(roundsAdmitted([answered, cancelled, cancelled]), 200);
  assert.equal(roundsAdmitted([{ ...answered, ...cancelled }]), 3000, "after its answer");
});

Deno.test("FrameGuard stops at a reset whose stream has not been accepted", () => {
  const guard = still();
  const bytes = Buffer.concat([
    headers(1),
    headers(3),
    reset(3, 8),
    frame(6, 0, 0, Buffer.alloc(8)),
  ]);
  const end = 2 * headers(1).length + 13;
  assert.deepEqual([guard.fromClient(bytes), guard.isEarly], [end, true]);
  guard.asked();
  assert.ok(guard.isEarly, "the first was accepted");
  guard.asked();
  assert.equal(guard.isEarly, false);
  assert.equal(guard.fromClient(bytes, end), bytes.length);
  guard.fromClient(Buffer.concat([headers(5), reset(5, 8)]));
  assert.ok(guard.isEarly);
  guard.fromServer(reset(5, 7));
  assert.equal(guard.isEarly, false, "it was refused");
  guard.fromClient(Buffer.concat([headers(7), reset(7, 8)]));
  guard.giveUp();
  assert.equal(guard.isEarly, false);
});

Deno.test("FrameGuard counts the streams that the client makes the server reset", () => {
  for (
    const [code, count] of [[1, 10], [3, 10], [6, 10], [5, 1000], [7, 1000], [0, 2000], [8, 2000]]
  ) {
    const guard = still();
    let passed = 0;
    while (passed < 2000 && told(guard, reset(1, code)) === undefined) passed++;
    assert.equal(passed, count, `code ${code}`);
  }
});

Deno.test("FrameGuard counts the answers that nobody here was asked for", () => {
  const guard = still();
  for (let i = 0; i < 50; i++) guard.asked();
  let passed = 0;
  while (passed < 100 && told(guard, headers(1)) === undefined) passed++;
  assert.equal(passed, 60);
  assert.equal(guard.violation?.reason, "too_many_bad_requests");
});

Deno.test("FrameGuard notices that the server ends the connection", () => {
  const gentle = still();
  assert.equal(told(gentle, frame(7, 0, 0, Buffer.concat([four(1), four(NONE)]))), undefined);
  assert.ok(gentle.isLeaving);
  const violation = told(still(), frame(7, 0, 0, Buffer.concat([four(1), four(PROTOCOL)])));
  assert.deepEqual(violation, { code: PROTOCOL, reason: "connection_error_1", isSaid: true });
});

Deno.test("FrameGuard lets as much through as time brings", () => {
  let nowMs = 0;
  const guard = new FrameGuard(() => nowMs);
  const ping = frame(6, 0, 0, Buffer.alloc(8));
  for (let i = 0; i < 1000; i++) guard.fromClient(ping);
  for (nowMs = 10; nowMs < 60_000; nowMs += 10) assert.equal(sent(guard, ping), undefined);
  assert.equal(admitted(guard, ping), 1);
});

Deno.test("FrameGuard decides the same when the bytes come in any pieces", () => {
  const some = fc.array(
    fc.constantFrom(
      headers(1, 0),
      frame(9, 0, 1, Buffer.alloc(9000)),
      frame(9, 4, 1, four(0)),
      headers(3),
    ),
    { maxLength: 20 },
  );
  fc.assert(fc.property(some, fc.integer({ min: 1, max: 9000 }), (all, size) => {
    const bytes = Buffer.concat(all);
    const whole = still(), pieces = still();
    const expected = sent(whole, bytes);
    for (let at = 0; at < bytes.length; at += size) {
      pieces.fromClient(bytes.subarray(at, at + size));
    }
    assert.deepEqual(pieces.violation, expected);
    assert.equal(pieces.lastStream, whole.lastStream);
  }));
});
