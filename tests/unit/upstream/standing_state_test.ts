import assert from "node:assert/strict";
import { failure, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import {
  isRemembered,
  StandingState,
  SUBSCRIPTIONS_MAX,
} from "../../../lib/upstream/standing_state.ts";

const subscribe = (uri: string) => request(1, "resources/subscribe", { uri });
const unsubscribe = (uri: string) => request(1, "resources/unsubscribe", { uri });
const setLevel = (level: string) => request(1, "logging/setLevel", { level });
const ok = (asked: Message) => result(asked.id!, {});
const refused = (asked: Message) =>
  failure(asked.id, new GatewayError("InvalidParams", "Cannot do that"));

/** Sends a request to a server that answers it so. */
function tell(state: StandingState, asked: Message, answer: Message | undefined): void {
  state.begin(asked);
  state.end(asked, answer);
}

/** What a new server is told. */
async function restored(state: StandingState): Promise<string[]> {
  const told: string[] = [];
  await state.restore((asked) => {
    told.push(asked.uri ?? asked.json().params.level);
    return Promise.resolve(ok(asked));
  });
  return told;
}

Deno.test("restore() sets the last level and subscribes to what stands", async () => {
  const state = new StandingState();
  for (const asked of [setLevel("debug"), subscribe("a"), subscribe("b"), setLevel("error")]) {
    tell(state, asked, ok(asked));
  }
  tell(state, unsubscribe("a"), ok(unsubscribe("a")));
  tell(state, subscribe("b"), ok(subscribe("b")));
  assert.deepEqual(await restored(state), ["error", "b"]);
});

Deno.test("restore() leaves out what the server refused, did not answer, or has not answered yet", async () => {
  const state = new StandingState();
  tell(state, setLevel("loud"), refused(setLevel("loud")));
  tell(state, subscribe("refused"), refused(subscribe("refused")));
  tell(state, subscribe("lost"), undefined);
  assert.equal(state.isListening, false);
  state.begin(subscribe("open"));
  assert.deepEqual(await restored(state), []);
});

Deno.test("a subscription that stands goes on standing when it is asked for again and refused", async () => {
  const state = new StandingState();
  tell(state, subscribe("a"), ok(subscribe("a")));
  tell(state, subscribe("a"), refused(subscribe("a")));
  assert.deepEqual(await restored(state), ["a"]);
});

Deno.test("a subscription that was ended before it was answered does not stand", async () => {
  const state = new StandingState();
  state.begin(subscribe("a"));
  state.begin(unsubscribe("a"));
  state.end(subscribe("a"), ok(subscribe("a")));
  assert.deepEqual(await restored(state), []);
});

Deno.test("restore() does not subscribe to what was ended meanwhile, and stops when a server is lost", async () => {
  const state = new StandingState();
  const uris = Array.from({ length: 120 }, (_, i) => `test://${i}`);
  for (const uri of uris) tell(state, subscribe(uri), ok(subscribe(uri)));
  const told: string[] = [];
  await state.restore((asked) => {
    told.push(asked.uri!);
    if (told.length === 1) state.begin(unsubscribe("test://119"));
    return Promise.resolve(ok(asked));
  });
  assert.deepEqual(told, uris.slice(0, 119));
  let asked = 0;
  const lost = () => (asked++, Promise.reject(new Error("lost")));
  await assert.rejects(state.restore(lost), /lost/);
  assert.ok(asked < 119, `${asked}`);
});

Deno.test("begin() refuses more subscriptions than are remembered", () => {
  const state = new StandingState();
  for (let i = 0; i < SUBSCRIPTIONS_MAX; i++) tell(state, subscribe(`${i}`), ok(subscribe(`${i}`)));
  assert.throws(() => state.begin(subscribe("more")), { failure: "Overloaded" });
  state.begin(subscribe("0"));
  state.begin(unsubscribe("1"));
  state.begin(subscribe("more"));
});

Deno.test("end() keeps a handshake that the server has made", () => {
  const state = new StandingState();
  const initialize = request(0, "initialize", {});
  tell(state, initialize, refused(initialize));
  assert.equal(state.handshake, undefined);
  const answer = ok(initialize);
  tell(state, initialize, answer);
  assert.deepEqual(state.handshake, { initialize, answer });
});

Deno.test("isRemembered() names what servers hold", () => {
  assert.ok([setLevel("debug"), subscribe("a"), unsubscribe("a")].every(isRemembered));
  assert.ok(!isRemembered(request(1, "resources/read", { uri: "a" })));
});
