import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure, request } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import type { Receiver, SessionlessConversations } from "../../../lib/core/upstream.ts";
import { EraConversations } from "../../../lib/era/conversations.ts";
import { FakeCall, FakeServer, type Got } from "../../fixtures/fake_server.ts";
import { ABLE, type Required, retry } from "../../fixtures/held_scene.ts";
import { modern } from "../../fixtures/modern_messages.ts";

const LANES = 16;

/** A server as the gateway has opened it. */
class Opened extends FakeServer {
  readonly receiver: Receiver;
  /** Whether a handshake was made: connections of all, which only tell of the era, have none here. */
  isShaken = false;

  constructor(receiver: Receiver) {
    super();
    this.receiver = receiver;
  }

  override handshake(initialize: Message): Promise<Message> {
    this.isShaken = true;
    return super.handshake(initialize);
  }
}

/** Sessionless clients, under fake time, on servers that are opened as they are needed. */
class Scene implements AsyncDisposable {
  readonly clock = FakeTimers.install();
  readonly opened: Opened[] = [];
  readonly conversations: EraConversations;
  readonly sessionless: SessionlessConversations;

  constructor(only?: "legacy" | "modern") {
    this.conversations = new EraConversations(only);
    this.sessionless = this.conversations.ofSessionless((receiver) => {
      const server = new Opened(receiver);
      this.opened.push(server);
      return server;
    });
  }

  call(message: Message) {
    const call = new FakeCall(message);
    const answer = (async () => (await this.sessionless.handle(call))!)();
    answer.catch(() => {}); // looked at by the test
    return { call, answer };
  }

  tool(capabilities: unknown = ABLE.capabilities, more = "") {
    return this.call(modern("1", "tools/call", `"name":"t"${more}`, { capabilities }));
  }

  /** Connections that calls have got for themselves, and have not lost. */
  lanes(): Opened[] {
    return this.opened.filter(({ isShaken, isDisposed }) => isShaken && !isDisposed);
  }

  /** So many calls that may be asked, under way. */
  async full(): Promise<{ calls: ReturnType<Scene["tool"]>[]; got: Got[] }> {
    const calls = Array.from({ length: LANES }, () => this.tool());
    await this.clock.tickAsync(0);
    const lanes = this.lanes();
    assert.equal(lanes.length, LANES);
    return { calls, got: await Promise.all(lanes.map((lane) => lane.next())) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sessionless[Symbol.asyncDispose]();
    this.conversations[Symbol.dispose]();
    this.clock.uninstall();
  }
}

async function ask(lane: Opened, clock: Scene["clock"]): Promise<{ asked: Promise<Message> }> {
  const asked = lane.receiver.ask(request("q", "roots/list"));
  asked.catch(() => {}); // looked at by the test
  await clock.tickAsync(10);
  return { asked };
}

Deno.test("a server without handshake has one connection for all sessionless clients", async () => {
  await using scene = new Scene("modern");
  const calls = [scene.tool(), scene.tool(), scene.tool({})];
  await scene.clock.tickAsync(0);
  assert.equal(scene.opened.length, 1);
  for (let i = 0; i < 3; i++) (await scene.opened[0].next()).answer({ resultType: "complete" });
  for (const { answer } of calls) assert.ok(!(await answer).isError);
});

Deno.test("a call whose client may be asked has a connection to itself, which is used again", async () => {
  await using scene = new Scene("legacy");
  const first = scene.tool(), second = scene.tool();
  await scene.clock.tickAsync(0);
  const [a, b] = scene.lanes();
  (await a.next()).answer({});
  await first.answer;
  const third = scene.tool();
  await scene.clock.tickAsync(0);
  assert.deepEqual(scene.lanes(), [a, b]);
  (await a.next()).answer({});
  await third.answer;
  const other = scene.tool({ roots: {} });
  await scene.clock.tickAsync(0);
  assert.equal(scene.lanes().length, 3); // its server was told of other capabilities
  (await scene.lanes()[2].next()).answer({});
  (await b.next()).answer({});
  await Promise.all([second.answer, other.answer]);
});

Deno.test("a question reaches the client on whose connection it came", async () => {
  await using scene = new Scene("legacy");
  const calls = [scene.tool(), scene.tool()];
  await scene.clock.tickAsync(0);
  await ask(scene.lanes()[1], scene.clock);
  assert.equal((await calls[1].answer).json().result.resultType, "input_required");
  (await scene.lanes()[0].next()).answer({});
  assert.equal((await calls[0].answer).json().result.resultType, "complete");
});

Deno.test("a held call keeps its connection; its retry needs none", async () => {
  await using scene = new Scene("legacy");
  const { calls, got } = await scene.full();
  const lane = scene.lanes()[0];
  const { asked } = await ask(lane, scene.clock);
  const { requestState }: Required = (await calls[0].answer).json().result;
  const next = scene.tool();
  await scene.clock.tickAsync(0);
  assert.equal(scene.lanes().reduce((sum, { untaken }) => sum + untaken, 0), 0); // it waits
  const second = scene.tool(ABLE.capabilities, `,${retry(requestState, { "question-1": "{}" })}`);
  await asked;
  got[0].answer({ content: [] });
  assert.equal((await second.answer).json().result.resultType, "complete");
  (await lane.next()).answer({});
  await next.answer;
  for (const { answer } of got) answer({});
});

Deno.test("calls beyond the limit wait in the order of their coming", async () => {
  await using scene = new Scene("legacy");
  const { got } = await scene.full();
  const order: number[] = [];
  const waiting = [0, 1, 2].map((n) => {
    const { answer } = scene.tool();
    answer.then(() => order.push(n));
    return answer;
  });
  await scene.clock.tickAsync(0);
  const [lane] = scene.lanes();
  got[0].answer({});
  for (const n of [0, 1, 2]) {
    const late = scene.tool(); // comes when there is room, and has to wait all the same
    late.answer.then(() => order.push(9), () => {});
    (await lane.next()).answer({});
    await waiting[n];
    late.call.controller.abort();
    await assert.rejects(late.answer);
  }
  assert.deepEqual(order, [0, 1, 2]);
  assert.equal(scene.lanes().length, LANES);
});

Deno.test("a call that waits for a connection leaves at once when its client does, or its time is over", async () => {
  await using scene = new Scene("legacy");
  await scene.full();
  const left = scene.tool(), patient = scene.tool();
  await scene.clock.tickAsync(0);
  left.call.controller.abort();
  await assert.rejects(left.answer, { failure: "InternalError" });
  await scene.clock.tickAsync(30_000);
  await assert.rejects(patient.answer, { failure: "Overloaded" });
});

Deno.test("an idle connection of other clients makes room", async () => {
  await using scene = new Scene("legacy");
  const { calls, got } = await scene.full();
  got[3].answer({});
  await calls[3].answer;
  const idle = scene.lanes()[3];
  const other = scene.tool({ roots: {} });
  await scene.clock.tickAsync(0);
  assert.ok(idle.isDisposed);
  assert.equal(scene.lanes().length, LANES);
  (await scene.lanes().at(-1)!.next()).answer({});
  await other.answer;
});

Deno.test("a connection that nobody uses ends, one that holds a call does not", async () => {
  await using scene = new Scene("legacy");
  const calls = [scene.tool(), scene.tool()];
  await scene.clock.tickAsync(0);
  const [a, b] = scene.lanes();
  (await a.next()).answer({});
  await calls[0].answer;
  await ask(b, scene.clock);
  await calls[1].answer;
  await scene.clock.tickAsync(120_000);
  assert.deepEqual([a.isDisposed, b.isDisposed], [true, false]);
});

Deno.test("the end of everything ends every connection and fails every call, waiting ones too", async () => {
  const scene = new Scene("legacy");
  const { calls } = await scene.full();
  const waiting = scene.tool();
  await scene.clock.tickAsync(0);
  const count = scene.opened.length;
  await scene[Symbol.asyncDispose]();
  for (const { answer } of [...calls, waiting]) await assert.rejects(answer);
  assert.equal(scene.opened.length, count);
  assert.ok(scene.opened.every(({ isDisposed }) => isDisposed));
});

Deno.test("the end does not wait for a server that keeps silent", async () => {
  const scene = new Scene();
  const { answer } = scene.tool();
  await scene.opened[0].next(); // the probe
  const ended = scene[Symbol.asyncDispose]();
  await scene.clock.tickAsync(0);
  await ended;
  await assert.rejects(answer);
});

Deno.test("a server that could not be reached is tried again over a new connection", async () => {
  await using scene = new Scene();
  const first = scene.tool({});
  const second = scene.tool({});
  const probe = await scene.opened[0].next();
  probe.fail(new GatewayError("UpstreamUnavailable", "no", { data: { outcome: "not_sent" } }));
  await assert.rejects(first.answer, { code: -31001 });
  await assert.rejects(second.answer, { code: -31001 });
  await scene.clock.tickAsync(0);
  const third = scene.tool({});
  const again = await scene.opened[1].next();
  again.answerRaw(failure(again.message.id, new GatewayError("MethodNotFound", "no")));
  (await scene.opened[1].next()).answer({});
  await third.answer;
  assert.equal(scene.opened.length, 2);
});

Deno.test("a client that leaves cancels its call, also on the connection of all", async () => {
  await using scene = new Scene("modern");
  const { call, answer } = scene.tool({});
  await scene.opened[0].next();
  call.controller.abort();
  await assert.rejects(answer);
  assert.deepEqual(scene.opened[0].abandoned, [call]);
  const gone = scene.tool({});
  gone.call.controller.abort();
  await assert.rejects(gone.answer);
  assert.equal(scene.opened[0].untaken, 0);
});
