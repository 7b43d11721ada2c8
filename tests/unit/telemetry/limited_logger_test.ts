import assert from "node:assert/strict";
import { limited } from "../../../lib/telemetry/limited_logger.ts";
import { BaseLogger, type LogFields, type LogLevel } from "../../../lib/telemetry/logger.ts";
import { FakeDropCounter } from "./fake_sink.ts";

class RecordingLogger extends BaseLogger {
  readonly seen: string[] = [];
  readonly told = Promise.withResolvers<LogFields>();

  enabled(level: LogLevel): boolean {
    return level !== "trace";
  }
  log(_level: LogLevel, message: string, fields?: LogFields): void {
    this.seen.push(message);
    if (fields?.lines !== undefined) this.told.resolve(fields);
  }
  child(): RecordingLogger {
    return this;
  }
}

Deno.test("limited() lets N lines of a second pass and tells how many it dropped", () => {
  const logger = new RecordingLogger();
  const dropped = new FakeDropCounter();
  let nowMs = 0;
  using noisy = limited(logger, 3, { dropped, nowMs: () => nowMs });
  const child = noisy.child("x");
  for (let i = 0; i < 5; i++) {
    noisy.info(`a${i}`);
    child.info(`b${i}`);
    noisy.trace("not enabled: costs nothing");
  }
  assert.deepEqual(logger.seen, ["a0", "b0", "a1"]);
  assert.equal(dropped.total, 7);
  nowMs = 1000;
  noisy.info("next second");
  assert.deepEqual(logger.seen.slice(3), [
    "log lines above the limit were dropped",
    "next second",
  ]);
});

Deno.test("limited() tells what it dropped when the source falls silent", async () => {
  const logger = new RecordingLogger();
  using noisy = limited(logger, 1);
  const guard = setTimeout(() => {}, 30_000); // the limiter's timer does not keep the process alive
  for (let i = 0; i < 3; i++) noisy.info("x");
  assert.deepEqual(await logger.told.promise, { lines: 2, linesPerSecondMax: 1 });
  clearTimeout(guard);
});

Deno.test("limited() tells what it dropped when it is disposed", async () => {
  const logger = new RecordingLogger();
  {
    using noisy = limited(logger, 1);
    for (let i = 0; i < 3; i++) noisy.info("x");
  }
  assert.equal((await logger.told.promise).lines, 2);
});
