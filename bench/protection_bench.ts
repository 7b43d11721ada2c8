/**
 * What protection costs each call: the budget of limiter and gatekeeper together is 0.3 us.
 *
 * @module
 */
import { request, result } from "../lib/core/compose.ts";
import type { RequestInfo } from "../lib/core/connection.ts";
import type { Call } from "../lib/core/handler.ts";
import { ANONYMOUS, type Identity } from "../lib/core/identity.ts";
import { Message } from "../lib/core/message.ts";
import { DenyList } from "../lib/auth/deny_list.ts";
import { Gatekeeper } from "../lib/auth/gatekeeper.ts";
import { Suspicion } from "../lib/auth/suspicion.ts";
import { DEFAULTS } from "../lib/config/defaults.ts";
import { layered } from "../lib/policy/guarded.ts";
import { RateLimiter } from "../lib/policy/rate_limiter.ts";
import { MemoryRateStore } from "../lib/policy/rate_store.ts";
import { ThreatRules } from "../lib/policy/threat_rules.ts";

const report = () => {};
const message = request(1, "tools/call", { name: "echo", arguments: { message: "hello" } });
const answer = Promise.resolve(result(message.id!, {}));
const handle = () => answer;

function callFrom(address: string, identity?: Identity): Call {
  const info: RequestInfo = { transport: "tcp", address, identity, header: () => undefined };
  return { message, request: info } as Call;
}

/** High enough that nothing is refused: what is measured is the way of a call that passes. */
const limiter = new RateLimiter(
  { ...DEFAULTS.rate, perSecond: 1e9, burst: 1e9, tiers: { t: 1e9 } },
  {
    store: new MemoryRateStore(100_000),
    report,
  },
);
const suspicion = new Suspicion(DEFAULTS.suspicion);
const denied = new DenyList({ addresses: [], principals: [] });
const gatekeeper = new Gatekeeper({ denied, suspicion, report });
const busy = new Suspicion(DEFAULTS.suspicion);
for (let i = 0; i < 1_000; i++) {
  busy.note({ type: "authentication_failed", address: `203.0.${i >> 8}.${i & 255}` });
}
const guarded = new Gatekeeper({
  denied: new DenyList({ addresses: ["198.51.100.0/24"], principals: ["mallory"] }),
  suspicion: busy,
  report,
});
const off = new ThreatRules(DEFAULTS.threats as never, report);

const usual = layered([gatekeeper.policy, limiter.policy, off.policy], handle);
const strict = layered([guarded.policy, limiter.policy, off.policy], handle);
const principal = {
  ...ANONYMOUS,
  proof: "jwt" as const,
  principal: "https://issuer.example alice",
};

const CALLERS = {
  "a client of this machine": callFrom("127.0.0.1:5123"),
  "stdio": callFrom("stdin"),
  "an address": callFrom("203.0.113.7:5123"),
  "an IPv6 address": callFrom("[2001:db8:1:2::7]:5123"),
  "a principal": callFrom("203.0.113.7:5123", principal),
  "a principal with a tier": callFrom("203.0.113.7:5123", { ...principal, tier: "t" }),
};

Deno.bench("no protection", { group: "call", baseline: true }, () => {
  void handle();
});
for (const [name, call] of Object.entries(CALLERS)) {
  Deno.bench(name, { group: "call" }, () => {
    void usual(call);
  });
}
Deno.bench("an address, with a deny list and 1,000 suspects", { group: "call" }, () => {
  void strict(CALLERS["an address"]);
});

const many = Array.from(
  { length: 50_000 },
  (_, i) => callFrom(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}:5123`),
);
let next = 0;
Deno.bench("one of 50,000 addresses", { group: "call" }, () => {
  void usual(many[next++ % many.length]);
});

const threats = new ThreatRules({ ...DEFAULTS.threats, mode: "deny" } as never, report)
  .policy(handle);
for (const kib of [0.15, 1, 10]) {
  const text = "Some prose, as agents write it; a line\\nand another. ".repeat(kib * 19);
  const json =
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","arguments":{"a":"${text}"}}}`;
  const call = { ...CALLERS.stdio, message: Message.from(new TextEncoder().encode(json)) };
  Deno.bench(`all threat rules over ${json.length} bytes`, { group: "threats" }, () => {
    void threats(call);
  });
}
