import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS } from "../../../lib/telemetry/logger.ts";
import { FakeDropCounter, FakeSink } from "./fake_sink.ts";

const now = () => new Date("2026-11-20T09:31:30.123Z");

Deno.test("log() writes one JSON line with level, time, module, fields and message", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "json", now });
  logger.child("tcp", { port: 5 }).child("peer", { address: "a" }).warn("closed", { n: 1 });
  await logger.flush();
  assert.deepEqual(sink.lines, [{
    level: "warn",
    time: "2026-11-20T09:31:30.123Z",
    pid: Deno.pid,
    port: 5,
    address: "a",
    module: "peer",
    n: 1,
    msg: "closed",
  }]);
});

Deno.test("log() keeps the order and the time of lines that waited for pino", async () => {
  const sink = new FakeSink();
  let second = 0;
  const time = () => new Date(Date.UTC(2026, 0, 1, 0, 0, second++));
  const logger = createLogger({ sink, format: "json", now: time });
  logger.info("first");
  logger.info("second");
  await logger.flush();
  logger.info("third");
  await logger.flush();
  assert.deepEqual(sink.lines.map(({ time, msg }) => `${time.slice(17, 19)} ${msg}`), [
    "00 first",
    "01 second",
    "02 third",
  ]);
});

Deno.test("flush() and errors do not wait for importDelayMs", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "json", importDelayMs: 600_000 });
  logger.info("held back");
  assert.equal(sink.text, "");
  await logger[Symbol.asyncDispose]();
  assert.deepEqual(sink.lines.map(({ msg }) => msg), ["held back"]);
});

Deno.test("enabled() follows the threshold, which may change", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "json", threshold: "warn" });
  const child = logger.child("x");
  assert.deepEqual(LOG_LEVELS.filter((level) => child.enabled(level)), ["warn", "error", "fatal"]);
  for (const level of LOG_LEVELS) child[level](level);
  logger.setThreshold("silent");
  child.fatal("hidden");
  logger.setThreshold("trace");
  child.trace("shown");
  await logger.flush();
  assert.deepEqual(sink.lines.map(({ msg, level }) => [msg, level]), [
    ["warn", "warn"],
    ["error", "error"],
    ["fatal", "fatal"],
    ["shown", "trace"],
  ]);
});

Deno.test("log() shows no secret, in fields, messages or child fields", async () => {
  const sink = new FakeSink();
  const canary = "CaNaRy123456789";
  const logger = createLogger({ sink, format: "json", threshold: "trace" });
  logger.child("x", { apiKey: canary }).error(`Cannot dial ws://u:${canary}@h: refused`, {
    headers: { authorization: canary },
    error: new Error(`token=${canary}`),
  });
  await logger.flush();
  assert.equal(sink.lines.length, 1);
  assert(!sink.text.includes(canary), sink.text);
});

Deno.test("log() shows stacks only from debug on", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "json" });
  logger.error("a", { error: new TypeError("no") });
  logger.setThreshold("debug");
  logger.error("b", { error: new TypeError("no") });
  await logger.flush();
  const [a, b] = sink.lines;
  assert.deepEqual(a.error, { type: "TypeError", message: "no" });
  assert.match(b.error.stack, /logger_test/);
});

Deno.test("log() keeps fields from overwriting what the line itself says", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "json", now });
  logger.info("real", { msg: "forged\n", level: "fatal", time: "t", pid: 1, module: "m" });
  await logger.flush();
  const [line] = sink.lines;
  assert.equal(sink.text.match(/"(msg|level|time|pid|module)":/g)?.length, 4);
  assert.deepEqual([line.msg, line.level, line.pid, line.msg_], [
    "real",
    "info",
    Deno.pid,
    "forged\n",
  ]);
});

Deno.test("log() writes brief text when asked", async () => {
  const sink = new FakeSink();
  const logger = createLogger({ sink, format: "text", now });
  logger.child("tcp").info("listening", { url: "tcp://127.0.0.1:1" });
  await logger.flush();
  assert.equal(sink.text, "09:31:30.123 INFO  tcp: listening url=tcp://127.0.0.1:1\n");
});

Deno.test("log() never throws and counts when the destination fails, then tells the gap", async () => {
  const sink = new FakeSink();
  const dropped = new FakeDropCounter();
  const logger = createLogger({ sink, dropped, format: "json", pendingCharsMax: 300 });
  const release = sink.hold();
  for (let i = 0; i < 100; i++) logger.info("line");
  await logger.flush(1); // imports pino; the sink is still held
  for (let i = 0; i < 100; i++) logger.info("line");
  release();
  await logger.flush();
  const lines = sink.lines;
  const told = lines.filter(({ msg }) => msg === "log lines were dropped");
  assert.equal(told.length, 1);
  assert.equal(told[0].lines, dropped.total);
  assert.equal(lines.length - 1 + dropped.total, 200);
});

Deno.test("log() counts a line whose clock fails instead of throwing", () => {
  const dropped = new FakeDropCounter();
  const logger = createLogger({
    sink: new FakeSink(),
    dropped,
    format: "json",
    now: () => new Date(NaN),
  });
  logger.info("x");
  assert.equal(dropped.total, 1);
});
