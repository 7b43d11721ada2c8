import assert from "node:assert/strict";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call, Session } from "../../../lib/core/handler.ts";
import { request, result } from "../../../lib/core/compose.ts";
import {
  sessionsElsewhere,
  type SessionsElsewhereOptions,
} from "../../../lib/session/sessions_elsewhere.ts";

function callFrom(address: string, method = "initialize"): Call {
  const message = request(1, method);
  return {
    message,
    request: { transport: "http", address, header: () => undefined },
    session: { id: "s", isSessionless: false } as Session,
    signal: new AbortController().signal,
    notify: () => Promise.resolve(),
    ask: () => Promise.reject(new Error("not expected")),
  };
}

/** How a handshake ends, and whom it was asked about. */
async function handshake(call: Call, options: Partial<SessionsElsewhereOptions>) {
  const asked: string[] = [];
  const layer = sessionsElsewhere({
    hasOthers: () => true,
    max: () => 5,
    here: () => 2,
    elsewhere: (account) => {
      asked.push(account);
      return Promise.resolve([1, 2]);
    },
    ...options,
  });
  try {
    await layer((call) => Promise.resolve(result(call.message.id!, {})))(call);
    return { asked, error: undefined };
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    return { asked, error };
  }
}

Deno.test("sessionsElsewhere() refuses the handshake that is one too many, all processes together", async () => {
  const client = callFrom("192.0.2.1:5");
  const fits = await handshake(client, {});
  assert.deepEqual([fits.asked, fits.error], [["192.0.2.1"], undefined]);
  const { error } = await handshake(client, { here: () => 3 });
  assert.deepEqual([error?.failure, error?.status], ["RateLimited", 429]);
  assert.ok(error?.headers["retry-after"]);
});

Deno.test("sessionsElsewhere() asks nobody for what has no limit", async () => {
  const over = { here: () => 100 };
  for (
    const { call, options } of [
      { call: callFrom("192.0.2.1:5", "tools/call"), options: over },
      { call: callFrom("127.0.0.1:5"), options: over },
      { call: callFrom("192.0.2.1:5"), options: { ...over, hasOthers: () => false } },
    ]
  ) {
    const { asked, error } = await handshake(call, options);
    assert.deepEqual([asked, error], [[], undefined]);
  }
});
