import assert from "node:assert/strict";
import { notification } from "../../../../lib/core/compose.ts";
import type { Message } from "../../../../lib/core/message.ts";
import { dialAgent } from "../../../../transports/http/dial.ts";
import { Flight, Flights } from "../../../../transports/http/flight.ts";
import { Calls } from "../../../../transports/streamable_http/calls.ts";
import { dialStreamableHttp } from "../../../../transports/streamable_http/client.ts";
import { Inbox } from "../../../../transports/streamable_http/inbox.ts";
import { HttpSession } from "../../../../transports/streamable_http/session.ts";
import { cancelled, modern, ModernHttpServer } from "../../../fixtures/modern_http_server.ts";
import { withModernScene } from "../../../fixtures/modern_scene.ts";

const never = new AbortController().signal;

Deno.test("a subscription outlives the deadlines that end other requests", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern("sub", "subscriptions/listen", { notifications: {} }));
    const stream = await server.next();
    const othersAreLate = async (id: number) => {
      await send(modern(id, "tools/list"));
      assert.equal((await next()).json().error.code, -31002);
      await server.next();
    };
    await othersAreLate(1);
    stream.stream({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged" });
    assert.equal((await next()).method, "notifications/subscriptions/acknowledged");
    await othersAreLate(2);
    stream.stream({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    const changed = await next();
    assert.equal(changed.method, "notifications/tools/list_changed");
    assert.deepEqual(changed.context, { cause: new TextEncoder().encode('"sub"') });
    await send(cancelled("sub"));
    await stream.closed;
  }, { headersTimeoutMs: 1, bodyIdleMs: 1, idleMs: 1 });
});

Deno.test("requests pass while a subscription is open, and one subscription too many is refused", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern(1, "subscriptions/listen"), modern(2, "tools/list"));
    const [listen, list] = [await server.next(), await server.next()];
    assert.equal(listen.body.method, "subscriptions/listen");
    list.result({ tools: [] });
    assert.equal((await next()).json().id, 2);
    await send(modern(3, "subscriptions/listen"));
    const { id, error } = (await next()).json();
    assert.deepEqual([id, error.code], [3, -31005]);
    listen.break();
    assert.deepEqual((await next()).json().error.data, { outcome: "unknown" });
  }, { inFlightMax: 1, subscriptionsMax: 1 });
});

class CountingInbox extends Inbox {
  waiting = 0;
  waitingMax = 0;

  override deliverOne(message: Message): void {
    this.waitingMax = Math.max(this.waitingMax, ++this.waiting);
    super.deliverOne(message);
  }
}

Deno.test("a subscription waits for a reader that falls behind", async () => {
  await using server = await ModernHttpServer.start();
  const agent = await dialAgent(server.url, never, { connectTimeoutMs: 5000, idleMs: 4000 });
  const flights = new Flights();
  const inbox = new CountingInbox(1024, () => {});
  const calls = new Calls(new HttpSession(server.url, agent), inbox, flights, {
    messageBytesMax: 1_000_000,
    headersTimeoutMs: 60_000,
    bodyIdleMs: 60_000,
    resumesMax: 0,
    retryMs: 1,
    subscriptionsMax: 1,
    onToolRefused: () => {},
  });
  const flight = new Flight();
  const run = calls.run(modern(1, "subscriptions/listen"), flight, () => {});
  const stream = await server.next();
  const changed = notification("notifications/message", { data: "x".repeat(16 * 1024) }).json();
  stream.stream(...new Array(2000).fill(changed));
  let taken = 0;
  for await (const batch of inbox.readable) {
    inbox.waiting -= batch.length;
    taken += batch.length;
    if (taken === 2000) break;
    if (taken % 50 === 0) await (await fetch(server.url)).body?.cancel(); // time for more to arrive
  }
  assert.ok(inbox.waitingMax <= 16, `${inbox.waitingMax} messages of 16 KiB waited`);
  calls.cancelModern(1);
  await run;
  flights.close();
  agent.destroy();
});

Deno.test("an orderly end does not wait for subscriptions", async () => {
  await using server = await ModernHttpServer.start();
  const connection = await dialStreamableHttp({ url: server.url }, never, {
    closeTimeoutMs: 3_600_000,
  });
  const writer = connection.writable.getWriter();
  await writer.write([modern(1, "subscriptions/listen")]);
  const stream = await server.next();
  await writer.close();
  await stream.closed;
  await connection.closed;
});
