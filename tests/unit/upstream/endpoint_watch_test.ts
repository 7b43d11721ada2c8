import assert from "node:assert/strict";
import { failure, request, result } from "../../../lib/core/compose.ts";
import type { Circuit, Permit } from "../../../lib/core/circuit.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { watched } from "../../../lib/upstream/connection_watch.ts";
import { Endpoint } from "../../../lib/upstream/endpoint.ts";
import { EndpointWatch } from "../../../lib/upstream/endpoint_watch.ts";
import { unavailable } from "../../../lib/upstream/unsent.ts";

const { id } = request(1, "tools/call");
const gone = failure(id, unavailable("a", "it went away", "unknown"));
const refused = failure(id, unavailable("a", "refused", "not_sent"));

/** A watch whose circuit counts what it is told. */
function scene() {
  const told = { succeeded: 0, failed: 0, withdrawn: 0 };
  const permit: Permit = {
    succeeded: () => void told.succeeded++,
    failed: () => void told.failed++,
    withdrawn: () => void told.withdrawn++,
  };
  const circuit: Circuit = {
    state: "closed",
    permits: true,
    retryAfterMs: 0,
    admit: () => permit,
  };
  const endpoint = new Endpoint({
    label: "a",
    priority: 5,
    dial: () => Promise.reject(new Error("never dialled")),
    circuit,
    isCostly: false,
    windowMs: 60_000,
  });
  return { told, watch: new EndpointWatch(endpoint, "a", permit, () => false) };
}

Deno.test("answered() counts one failure when a server goes away under many questions", async () => {
  const { told, watch } = scene();
  const away = Promise.withResolvers<void>();
  const asking = Array.from({ length: 100 }, () =>
    watched(watch, async () => {
      await away.promise;
      return gone;
    }));
  away.resolve();
  await Promise.all(asking);
  assert.deepEqual(told, { succeeded: 0, failed: 1, withdrawn: 99 });
});

Deno.test("answered() counts each failure of questions that follow each other", async () => {
  const { told, watch } = scene();
  for (const answer of [gone, refused, refused, result(id!, {}), gone]) {
    await watched(watch, () => Promise.resolve(answer));
  }
  assert.deepEqual(told, { succeeded: 1, failed: 4, withdrawn: 0 });
});

Deno.test("failed() counts every deadline that passes, however many at once", async () => {
  const { told, watch } = scene();
  const late = () => Promise.reject(new GatewayError("UpstreamTimeout", "Cannot answer in time"));
  await Promise.allSettled(Array.from({ length: 5 }, () => watched(watch, late)));
  assert.equal(told.failed, 5);
});
