import assert from "node:assert/strict";
import { failure, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { isUnsent, isUnsentAnswer, unavailable, unsent } from "../../../lib/upstream/unsent.ts";

const { id } = request(1, "tools/call");

Deno.test("isUnsent() goes by the outcome that an error tells", () => {
  assert.equal(isUnsent(unavailable("a", "refused", "not_sent")), true);
  assert.equal(isUnsent(unavailable("a", "lost", "unknown")), false);
  assert.equal(isUnsent(new GatewayError("UpstreamTimeout", "Cannot answer in time")), false);
  assert.equal(isUnsent(new Error("not_sent")), false);
});

Deno.test("isUnsentAnswer() goes by the outcome that an answer tells", () => {
  assert.equal(isUnsentAnswer(failure(id, unavailable("a", "refused", "not_sent"))), true);
  assert.equal(isUnsentAnswer(failure(id, unavailable("a", "lost", "unknown"))), false);
  assert.equal(isUnsentAnswer(failure(id, new GatewayError("InternalError", "Cannot"))), false);
  assert.equal(isUnsentAnswer(result(id!, { data: { outcome: "not_sent" } })), false);
});

Deno.test("unsent() tells whoever waited for a lost handshake that its request was not sent", () => {
  const lost = unavailable("a", "lost", "unknown");
  const told = unsent(lost) as GatewayError;
  assert.deepEqual([told.failure, told.message, told.data], ["UpstreamUnavailable", lost.message, {
    outcome: "not_sent",
  }]);
  const late = unsent(new GatewayError("UpstreamTimeout", "Cannot answer in time")) as GatewayError;
  assert.equal(isUnsent(late), true);
  const already = unavailable("a", "refused", "not_sent");
  assert.equal(unsent(already), already);
  const defect = new Error("defect");
  assert.equal(unsent(defect), defect);
});
