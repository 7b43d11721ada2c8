import assert from "node:assert/strict";
import fc from "fast-check";
import { isThisMachine, type Reach, reachOf } from "../../../../lib/auth/oauth_client/addresses.ts";

const CASES: Readonly<Record<Reach, readonly string[]>> = {
  public: ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "172.32.0.1"],
  private: ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1"],
  loopback: ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
  nowhere: [
    ...["0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "fec0::1"],
    ...["2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1"],
    ...["2001:0:1::1", "ff02::1", "64:ff9b:1::1", "::127.0.0.1", "fe80::1%eth0", "x", ""],
  ],
};

for (const [reach, addresses] of Object.entries(CASES)) {
  Deno.test(`reachOf() says ${reach} when it is so`, () => {
    for (const address of addresses) assert.equal(reachOf(address), reach, address);
  });
}

Deno.test("reachOf() sees an IPv4 address through its IPv6 form", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    const [a, b, c, d] = address.split(".").map(Number);
    const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    assert.equal(reachOf(`::ffff:${address}`), reachOf(address));
    assert.equal(reachOf(`::ffff:${hex}`), reachOf(address));
    const through = reachOf(address) === "public" ? "public" : "nowhere";
    assert.equal(reachOf(`64:ff9b::${hex}`), through);
  }));
});

Deno.test("isThisMachine() knows every spelling that needs no look-up", () => {
  for (const host of ["localhost", "a.localhost", "127.1", "0x7f000001", "2130706433", "[::1]"]) {
    assert.ok(isThisMachine(new URL(`http://${host}/`)), host);
  }
  for (const host of ["localhost.test", "10.0.0.1", "x.test"]) {
    assert.ok(!isThisMachine(new URL(`http://${host}/`)), host);
  }
});
