import assert from "node:assert/strict";
import { failure, result } from "../../../../lib/core/compose.ts";
import { type Failure, GatewayError } from "../../../../lib/core/errors.ts";
import { Message } from "../../../../lib/core/message.ts";
import { verdictOnAnswer, verdictOnFailure } from "../../../../lib/upstream/pool/verdict.ts";

const id = new TextEncoder().encode("1");
const refusal = (why: Failure) => failure(id, new GatewayError(why, "Cannot answer"));

Deno.test("verdictOnAnswer() blames the server for its own errors only", () => {
  assert.equal(verdictOnAnswer(undefined), "answered");
  assert.equal(verdictOnAnswer(Message.from(result(id, { isError: true }).bytes)), "answered");
  assert.equal(verdictOnAnswer(refusal("InvalidParams")), "neutral");
  assert.equal(verdictOnAnswer(refusal("MethodNotFound")), "neutral");
  assert.equal(verdictOnAnswer(refusal("InternalError")), "failed");
  assert.equal(verdictOnAnswer(refusal("UpstreamUnavailable")), "lost");
});

Deno.test("verdictOnFailure() tells a lost server from a slow one, and both from the client's own doing", () => {
  const verdict = (why: Failure) => verdictOnFailure(new GatewayError(why, "Cannot answer"));
  assert.equal(verdict("UpstreamUnavailable"), "lost");
  assert.equal(verdict("NoHealthyUpstream"), "lost");
  assert.equal(verdict("UpstreamTimeout"), "failed");
  assert.equal(verdict("Overloaded"), "failed");
  assert.equal(verdict("InternalError"), "neutral");
  assert.equal(verdictOnFailure(new Error("a defect")), "neutral");
});
