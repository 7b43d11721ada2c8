import assert from "node:assert/strict";
import { notification, result } from "../../../../lib/core/compose.ts";
import type { Exchange } from "../../../../lib/core/connection.ts";
import { StreamableHttpTransport } from "../../../../transports/streamable_http/transport.ts";

const never = new AbortController().signal;
const ANSWER = result(new TextEncoder().encode("1"), {});
const NOTE = notification("notifications/x");

/** What a client gets that takes both forms, or the one given. */
async function answered(
  act: (exchange: Exchange) => void | Promise<void>,
  accept = "application/json, text/event-stream",
): Promise<{ status: number; type: string | null; text: string }> {
  const url = new URL("http://127.0.0.1:0/mcp");
  await using listener = await new StreamableHttpTransport().listen({ url }, never);
  const response = fetch(listener.url, {
    method: "POST",
    headers: { accept, "content-type": "application/json" },
    body: '{"jsonrpc":"2.0","id":1,"method":"x"}',
  });
  const { value } = await listener[Symbol.asyncIterator]().next();
  await value.read();
  await act(value);
  const { status, headers, ...rest } = await response.then(async (got) => ({
    status: got.status,
    headers: got.headers,
    text: await got.text(),
  }));
  return { status, type: headers.get("content-type"), text: rest.text };
}

Deno.test("finish() with a status is a JSON document of that status, whatever the client takes", async () => {
  for (const accept of [undefined, "text/event-stream"]) {
    const got = await answered((exchange) => exchange.finish(ANSWER, { status: 404 }), accept);
    assert.deepEqual([got.status, got.type], [404, "application/json"]);
    assert.equal(JSON.parse(got.text).id, 1);
  }
});

Deno.test("finish() without a status is 200, in the form that the client takes", async () => {
  const json = await answered((exchange) => exchange.finish(ANSWER));
  assert.deepEqual([json.status, json.type], [200, "application/json"]);
  const events = await answered((exchange) => exchange.finish(ANSWER), "text/event-stream");
  assert.deepEqual([events.status, events.type], [200, "text/event-stream"]);
});

Deno.test("send() and finish() write the ids they are given, prime() an event without data", async () => {
  const { text } = await answered(async (exchange) => {
    exchange.prime("s_0", 1000);
    await exchange.send([NOTE, NOTE], ["s_1", "s_2"]);
    exchange.finish(ANSWER, { eventId: "s_3" });
  });
  const events = text.split("\n\n").slice(0, -1).map((event) => event.split("\n"));
  assert.deepEqual(events[0], ["retry: 1000", "id: s_0", "event: message", "data: "]);
  assert.deepEqual(events.slice(1).map(([id]) => id), ["id: s_1", "id: s_2", "id: s_3"]);
});

Deno.test("finish() with retryMs ends a stream that goes on elsewhere", async () => {
  const { text } = await answered(async (exchange) => {
    await exchange.send([]);
    exchange.finish(undefined, { retryMs: 4321 });
  });
  assert.equal(text, "retry: 4321\n\n");
});
