import assert from "node:assert/strict";
import { countedIp, ipOf, isLoopbackIp, plainIp } from "../../../lib/core/client_address.ts";

Deno.test("ipOf() finds the address with and without a port, and nothing where there is none", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["10.0.0.1:5123", "10.0.0.1"],
    ["10.0.0.1", "10.0.0.1"],
    ["[2001:db8::1]:5123", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::1", "::1"],
    ["[::ffff:10.0.0.1]:80", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["stdin", undefined],
    ["unix socket", undefined],
    ["pid 4711", undefined],
    ["", undefined],
  ];
  for (const [address, ip] of cases) assert.equal(ipOf(address), ip, address);
});

Deno.test("countedIp() takes an IPv6 network of 64 bits for one client", () => {
  const network = countedIp("2001:db8:1:2::1");
  assert.equal(countedIp("2001:DB8:1:2:ffff::9"), network);
  assert.equal(countedIp("2001:db8:1:2:3:4:5:6"), network);
  assert.notEqual(countedIp("2001:db8:1:3::1"), network);
  assert.equal(countedIp("fe80::1%eth0"), countedIp("fe80::2"));
  assert.equal(countedIp("10.0.0.1"), "10.0.0.1");
});

Deno.test("isLoopbackIp() knows this machine in all its spellings", () => {
  for (const ip of ["127.0.0.1", "127.9.9.9", "::1"]) assert.ok(isLoopbackIp(ip), ip);
  for (const ip of ["10.0.0.1", "::2", "128.0.0.1"]) assert.ok(!isLoopbackIp(ip), ip);
  assert.ok(isLoopbackIp(plainIp("::ffff:127.0.0.1")));
});
