import assert from "node:assert/strict";
import type { RequestInfo } from "../../../lib/core/connection.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { result } from "../../../lib/core/compose.ts";
import type { Call } from "../../../lib/core/handler.ts";
import { ANONYMOUS, type Identity } from "../../../lib/core/identity.ts";
import type { Message } from "../../../lib/core/message.ts";
import { notification } from "../../../lib/core/compose.ts";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import { RateLimiter, type RateSettings } from "../../../lib/policy/rate_limiter.ts";
import { MemoryRateStore, type RateStore } from "../../../lib/policy/rate_store.ts";
import { callOf } from "./calls.ts";

const SETTINGS: RateSettings = {
  enabled: true,
  perSecond: 10,
  burst: 3,
  tiers: { trial: 2, premium: 600 },
  unknownTier: 1,
  loopback: false,
};

/** A limiter whose clock the test moves. */
class Scene {
  nowMs = 1_000;
  readonly events: SecurityEvent[] = [];
  readonly tiers: string[] = [];
  readonly passed: Message[] = [];
  readonly limiter: RateLimiter;

  constructor(settings: Partial<RateSettings> = {}, store?: RateStore) {
    this.limiter = new RateLimiter({ ...SETTINGS, ...settings }, {
      store: store ?? new MemoryRateStore(100, () => this.nowMs),
      report: (event) => this.events.push(event),
      onLimited: (tier) => this.tiers.push(tier),
      now: () => 1_700_000_000_000,
    });
  }

  /** Whether a call got through. */
  async call(request: Partial<RequestInfo>, message?: Message): Promise<GatewayError | undefined> {
    const handle = this.limiter.policy((call) => {
      this.passed.push(call.message);
      return Promise.resolve(call.message.id && result(call.message.id, {}));
    });
    const plain = callOf("ping");
    const call: Call = {
      ...plain,
      message: message ?? plain.message,
      request: { ...plain.request, ...request },
    };
    try {
      await handle(call);
    } catch (error) {
      assert.ok(error instanceof GatewayError, `${error}`);
      return error;
    }
  }
}

const REMOTE = { address: "203.0.113.7:4000" };

function identity(principal: string, tier?: string): Identity {
  return { ...ANONYMOUS, proof: "api_key", principal, tier };
}

Deno.test("RateLimiter lets a burst pass, refuses what is more, and a token comes back in time", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3; i++) assert.equal(await scene.call(REMOTE), undefined);
  const refusal = await scene.call(REMOTE);
  assert.equal(refusal?.code, -31004);
  assert.equal(refusal.status, 429);
  assert.deepEqual(refusal.data, { outcome: "not_sent", retryAfterMs: 100 });
  assert.deepEqual(refusal.headers, {
    "retry-after": "1",
    "x-ratelimit-limit": "3",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": "1700000001",
  });
  assert.deepEqual(scene.tiers, ["none"]);
  assert.deepEqual(scene.events, [{ type: "rate_limited", ...REMOTE, principal: undefined }]);
  scene.nowMs += 99;
  assert.equal((await scene.call(REMOTE))?.code, -31004);
  scene.nowMs += 1;
  assert.equal(await scene.call(REMOTE), undefined);
});

Deno.test("RateLimiter counts a principal once, whatever address and transport it comes from", async () => {
  const scene = new Scene();
  const from = (address: string, transport: string) => ({
    address,
    transport,
    identity: identity("alice"),
  });
  assert.equal(await scene.call(from("203.0.113.1:1", "http")), undefined);
  assert.equal(await scene.call(from("127.0.0.1:2", "tcp")), undefined);
  assert.equal(await scene.call(from("unix socket", "unix")), undefined);
  assert.equal((await scene.call(from("203.0.113.9:1", "websocket")))?.code, -31004);
  assert.equal(
    await scene.call({ address: "203.0.113.1:1", identity: identity("bob") }),
    undefined,
  );
});

Deno.test("RateLimiter counts an IPv6 network as one client", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3; i++) {
    assert.equal(await scene.call({ address: `[2001:db8::${i}]:4000` }), undefined);
  }
  assert.equal((await scene.call({ address: "[2001:db8::ffff]:1" }))?.code, -31004);
});

Deno.test("RateLimiter leaves clients of this machine alone that prove nothing, unless told otherwise", async () => {
  for (const address of ["127.0.0.1:1", "[::1]:1", "stdin", "unix socket"]) {
    const scene = new Scene();
    for (let i = 0; i < 10; i++) assert.equal(await scene.call({ address }), undefined);
    for (let i = 0; i < 10; i++) {
      assert.equal(await scene.call({ address, identity: ANONYMOUS }), undefined);
    }
  }
  const strict = new Scene({ loopback: true });
  for (let i = 0; i < 3; i++) {
    assert.equal(await strict.call({ address: "127.0.0.1:1" }), undefined);
  }
  assert.equal((await strict.call({ address: "127.0.0.1:1" }))?.code, -31004);
});

Deno.test("RateLimiter holds a tier to its calls a minute, an unknown one to the least", async () => {
  const scene = new Scene();
  const trial = { identity: identity("t", "trial") };
  assert.equal(await scene.call(trial), undefined);
  assert.equal(await scene.call(trial), undefined);
  const refusal = await scene.call(trial);
  assert.equal(refusal?.headers["retry-after"], "30");
  assert.equal(refusal.headers["x-ratelimit-limit"], "2");
  const odd = { identity: identity("o", "platinum") };
  assert.equal(await scene.call(odd), undefined);
  assert.equal((await scene.call(odd))?.headers["retry-after"], "60");
  const premium = { identity: identity("p", "premium") };
  for (let i = 0; i < 3; i++) assert.equal(await scene.call(premium), undefined);
  assert.equal((await scene.call(premium))?.headers["retry-after"], "1", "the common limit holds");
  assert.deepEqual(scene.tiers, ["trial", "unknown", "premium"]);
});

Deno.test("RateLimiter takes the identity of the message where it has one of its own", async () => {
  const scene = new Scene();
  const alice = identity("alice");
  for (let i = 0; i < 3; i++) assert.equal(await scene.call({ identity: alice }), undefined);
  const message = callOf("ping").message.withContext({ identity: alice });
  assert.equal((await scene.call(REMOTE, message))?.code, -31004);
});

Deno.test("RateLimiter drops notifications over the limit, except those that end work", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3; i++) {
    assert.equal(await scene.call(REMOTE, notification("notifications/progress")), undefined);
  }
  assert.equal(await scene.call(REMOTE, notification("notifications/progress")), undefined);
  assert.equal(scene.passed.length, 3);
  assert.equal(await scene.call(REMOTE, notification("notifications/cancelled")), undefined);
  assert.equal(scene.passed.length, 4);
  assert.equal(scene.events.length, 2);
});

Deno.test("RateLimiter tells HTTP clients what is left", async () => {
  const scene = new Scene();
  const headers: Record<string, string> = {};
  const setHeader = (name: string, value: string) => void (headers[name] = value);
  await scene.call({ ...REMOTE, setHeader });
  assert.deepEqual(headers, {
    "x-ratelimit-limit": "3",
    "x-ratelimit-remaining": "2",
    "x-ratelimit-reset": "1700000001",
  });
});

Deno.test("RateLimiter works with a store that answers later, and does nothing when it is turned off", async () => {
  const inner = new MemoryRateStore(100, () => 1_000);
  const later: RateStore = {
    take: (account, rates) => Promise.resolve(inner.take(account, rates)),
  };
  const scene = new Scene({}, later);
  for (let i = 0; i < 3; i++) assert.equal(await scene.call(REMOTE), undefined);
  assert.equal((await scene.call(REMOTE))?.code, -31004);
  scene.limiter.configure({ ...SETTINGS, enabled: false });
  assert.equal(await scene.call(REMOTE), undefined);
  scene.limiter.configure({ ...SETTINGS, burst: 5 });
  assert.equal(await scene.call(REMOTE), undefined, "a larger burst holds at once");
});
