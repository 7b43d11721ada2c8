import assert from "node:assert/strict";
import { ConnectionLimits } from "../../../../transports/guard/connection_limits.ts";

function limitsOf(connectionsMax: number, connectionsPerAddressMax: number) {
  const refused: string[] = [];
  const onRefused = (limit: string) => void refused.push(limit);
  const limits = new ConnectionLimits({ connectionsMax, connectionsPerAddressMax, onRefused });
  return { limits, refused };
}

Deno.test("ConnectionLimits.admit() refuses one too many in all, until one has gone", () => {
  const { limits, refused } = limitsOf(2, 100);
  const release = limits.admit("127.0.0.1");
  assert.ok(limits.admit("10.0.0.1"));
  assert.equal(limits.admit("10.0.0.2"), undefined);
  release!();
  assert.ok(limits.admit("10.0.0.2"));
  assert.equal(limits.open, 2);
  assert.deepEqual(refused, ["total"]);
});

Deno.test("ConnectionLimits.admit() refuses one too many of an address", () => {
  const { limits, refused } = limitsOf(100, 2);
  const release = limits.admit("10.0.0.1");
  assert.ok(limits.admit("::ffff:10.0.0.1"));
  assert.equal(limits.admit("10.0.0.1"), undefined);
  assert.ok(limits.admit("10.0.0.2"));
  release!();
  assert.ok(limits.admit("10.0.0.1"));
  assert.deepEqual(refused, ["address"]);
  assert.equal(limits.open, 3);
});

Deno.test("ConnectionLimits.admit() counts a network of 64 bits as one address", () => {
  const { limits } = limitsOf(100, 1);
  assert.ok(limits.admit("2001:db8::1"));
  assert.equal(limits.admit("2001:DB8:0:0:5::9"), undefined);
  assert.equal(limits.admit("2001:db8:0::ffff"), undefined);
  assert.ok(limits.admit("2001:db8:0:1::1"));
  assert.ok(limits.admit("fe80::1%eth0"));
  assert.equal(limits.admit("fe80::2%eth0"), undefined);
});

Deno.test("ConnectionLimits.admit() has no limit for addresses of this machine", () => {
  const { limits } = limitsOf(100, 1);
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", undefined]) {
    assert.ok(limits.admit(address), address);
    assert.ok(limits.admit(address), address);
  }
});
