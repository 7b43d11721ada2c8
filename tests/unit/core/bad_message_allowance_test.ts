import assert from "node:assert/strict";
import { BadMessageAllowance } from "../../../lib/core/bad_message_allowance.ts";

Deno.test("BadMessageAllowance.take() allows 16 bad messages in any minute", () => {
  const allowance = new BadMessageAllowance();
  for (let i = 0; i < 16; i++) assert.equal(allowance.take(i * 1000), true);
  assert.equal(allowance.take(59_000), false);
});

Deno.test("BadMessageAllowance.take() forgets what is a minute old", () => {
  const allowance = new BadMessageAllowance();
  for (let i = 0; i < 100; i++) assert.equal(allowance.take(i * 4000), true);
});
