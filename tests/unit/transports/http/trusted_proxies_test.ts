import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { isForwardingHeader, TrustedProxies } from "../../../../transports/http/trusted_proxies.ts";

function from(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

Deno.test("clientAddress() believes nobody by default", () => {
  const proxies = new TrustedProxies();
  const req = from("127.0.0.1", { "x-forwarded-for": "10.0.0.1", "x-forwarded-proto": "https" });
  assert.equal(proxies.clientAddress(req), "127.0.0.1");
  assert.equal(proxies.saysHttps(req), false);
  assert.equal(proxies.isBehind(req), false);
});

Deno.test("clientAddress() is the last address that is no proxy of ours", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8", "::1", "fd00::/8"]);
  const cases: [string, string, string][] = [
    ["10.1.2.3", "203.0.113.7", "203.0.113.7"],
    ["10.1.2.3", "evil, 203.0.113.7, 10.9.9.9", "203.0.113.7"],
    ["10.1.2.3", "198.51.100.1, 203.0.113.7", "203.0.113.7"],
    ["10.1.2.3", "203.0.113.7, nonsense", "10.1.2.3"],
    ["10.1.2.3", "", "10.1.2.3"],
    ["10.1.2.3", "10.0.0.1", "10.0.0.1"],
    ["::ffff:10.1.2.3", "2001:db8::1", "2001:db8::1"],
    ["::1", "203.0.113.7", "203.0.113.7"],
    ["fd12::1", "203.0.113.7", "203.0.113.7"],
    ["11.1.2.3", "203.0.113.7", "11.1.2.3"],
  ];
  for (const [peer, header, client] of cases) {
    assert.equal(proxies.clientAddress(from(peer, { "x-forwarded-for": header })), client, header);
  }
});

Deno.test("saysHttps() takes the word of a proxy only", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8"]);
  const headers = { "x-forwarded-proto": "https" };
  assert.equal(proxies.saysHttps(from("10.0.0.1", headers)), true);
  assert.equal(proxies.saysHttps(from("11.0.0.1", headers)), false);
  assert.equal(proxies.saysHttps(from("10.0.0.1")), false);
});

Deno.test("TrustedProxies refuses what is no network", () => {
  for (const text of ["", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129"]) {
    assert.throws(() => new TrustedProxies([text]), RangeError, text);
  }
});

Deno.test("isForwardingHeader() knows what proxies write", () => {
  for (const name of ["x-forwarded-for", "x-forwarded-anything", "forwarded", "x-real-ip"]) {
    assert.ok(isForwardingHeader(name));
  }
  assert.ok(!isForwardingHeader("authorization"));
});
