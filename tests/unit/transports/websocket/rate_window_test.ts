import assert from "node:assert/strict";
import FakeTimers from "@sinonjs/fake-timers";
import { RateWindow } from "../../../../transports/websocket/rate_window.ts";

Deno.test("RateWindow admits so many in each window", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const window = new RateWindow(2, 1000);
    const admitted = () => [window.admit(), window.admit(), window.admit()];
    assert.deepEqual(admitted(), [true, true, false]);
    clock.tick(999);
    assert.equal(window.admit(), false);
    clock.tick(1);
    assert.deepEqual(admitted(), [true, true, false]);
  } finally {
    clock.uninstall();
  }
});
