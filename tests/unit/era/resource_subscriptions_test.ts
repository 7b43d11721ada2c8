import assert from "node:assert/strict";
import { failure } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { ResourceSubscriptions } from "../../../lib/era/resource_subscriptions.ts";
import { FakeServer, type Got } from "../../fixtures/fake_server.ts";

const URI = "test://a";
const refusal = (got: Got) =>
  failure(got.message.id, new GatewayError("InvalidParams", "no such resource"));
const said = ({ message }: Got) => `${message.method} ${message.uri}`;

Deno.test("ResourceSubscriptions subscribes once for all and unsubscribes when the last leaves", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const [a, b] = [{}, {}];
  const added = Promise.all([subscriptions.add(URI, a), subscriptions.add(URI, b)]);
  const subscribed = await server.next();
  assert.equal(said(subscribed), `resources/subscribe ${URI}`);
  subscribed.answer({});
  await added;
  assert.equal(server.untaken, 0);
  assert.ok(subscriptions.has(URI, a) && subscriptions.has(URI, b));
  await subscriptions.remove(URI, a);
  assert.equal(server.untaken, 0);
  const removed = subscriptions.remove(URI, b);
  const unsubscribed = await server.next();
  assert.equal(said(unsubscribed), `resources/unsubscribe ${URI}`);
  unsubscribed.answer({});
  await removed;
  assert.ok(!subscriptions.has(URI, a) && !subscriptions.has(URI, b));
});

Deno.test("ResourceSubscriptions.add() fails for everybody who waited for a subscription that was refused", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const [a, b] = [{}, {}];
  const added = Promise.allSettled([subscriptions.add(URI, a), subscriptions.add(URI, b)]);
  const asked = await server.next();
  asked.answerRaw(refusal(asked));
  const outcomes = await added;
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  assert.ok(!subscriptions.has(URI, a) && !subscriptions.has(URI, b));
  const again = subscriptions.add(URI, a);
  (await server.next()).answer({});
  await again;
  assert.ok(subscriptions.has(URI, a));
});

Deno.test("ResourceSubscriptions lets nothing overtake: who comes back is subscribed after the end of before", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const [a, b] = [{}, {}];
  const added = subscriptions.add(URI, a);
  (await server.next()).answer({});
  await added;
  const removed = subscriptions.remove(URI, a);
  const back = subscriptions.add(URI, b);
  const ending = await server.next();
  assert.equal(said(ending), `resources/unsubscribe ${URI}`);
  assert.equal(server.untaken, 0); // over HTTP the two could overtake each other
  ending.answer({});
  await removed;
  const beginning = await server.next();
  assert.equal(said(beginning), `resources/subscribe ${URI}`);
  beginning.answer({});
  await back;
  assert.ok(subscriptions.has(URI, b));
});

Deno.test("ResourceSubscriptions.remove() waits for a subscription that is not answered yet", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const a = {};
  const added = subscriptions.add(URI, a);
  const beginning = await server.next();
  const removed = subscriptions.remove(URI, a);
  assert.equal(server.untaken, 0);
  beginning.answer({});
  await added;
  const ending = await server.next();
  assert.equal(said(ending), `resources/unsubscribe ${URI}`);
  ending.answer({});
  await removed;
});

Deno.test("ResourceSubscriptions.forget() ends all subscriptions of one, whatever the server says", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const [a, b] = [{}, {}];
  for (const [uri, who] of [["test://1", a], ["test://2", a], ["test://3", b]] as const) {
    const added = subscriptions.add(uri, who);
    (await server.next()).answer({});
    await added;
  }
  subscriptions.forget(a);
  const ended = [await server.next(), await server.next()];
  assert.deepEqual(ended.map(said).sort(), [
    "resources/unsubscribe test://1",
    "resources/unsubscribe test://2",
  ]);
  ended[0].fail(new GatewayError("UpstreamUnavailable", "gone"));
  ended[1].answer({});
  assert.ok(subscriptions.has("test://3", b));
});

Deno.test("ResourceSubscriptions.concerns() is true for parts of a resource that someone subscribed to", async () => {
  const server = new FakeServer();
  const subscriptions = new ResourceSubscriptions(server);
  const [a, b] = [{}, {}];
  for (const [uri, who] of [["file:///dir", a], ["file:///dir/x", b]] as const) {
    const added = subscriptions.add(uri, who);
    (await server.next()).answer({});
    await added;
  }
  assert.ok(subscriptions.concerns("file:///dir/x", a));
  assert.ok(subscriptions.concerns("file:///dir/x", b));
  assert.ok(subscriptions.concerns("file:///dir#part", a));
  assert.ok(!subscriptions.concerns("file:///dir/y", b));
  assert.ok(!subscriptions.concerns("file:///directory", a));
});
