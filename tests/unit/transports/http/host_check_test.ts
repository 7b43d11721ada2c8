import assert from "node:assert/strict";
import { HostCheck, isLoopbackHost } from "../../../../transports/http/host_check.ts";

const nowhere = () => undefined;

Deno.test("HostCheck.host() allows loopback names on any port and refuses everything else by default", () => {
  const check = new HostCheck("127.0.0.1");
  const verdicts: Record<string, string> = {
    "localhost": "allowed",
    "localhost:8080": "allowed",
    "LOCALHOST:9": "allowed",
    "127.0.0.1:8080": "allowed",
    "127.1.2.3": "allowed",
    "[::1]:8080": "allowed",
    "evil.example": "foreign",
    "localhost.evil": "foreign",
    "127.0.0.1.evil": "foreign",
    "10.0.0.1:8080": "foreign",
    "[::2]": "foreign",
    "user@localhost": "malformed",
    "localhost:": "malformed",
    "localhost:123456": "malformed",
    "local host": "malformed",
    "localhost/": "malformed",
    "a,b": "malformed",
    "": "malformed",
  };
  for (const [host, verdict] of Object.entries(verdicts)) {
    assert.equal(check.host(host, nowhere, 8080), verdict, host);
    assert.equal(check.host(host, nowhere, 8080), verdict, `${host}, second time`);
  }
});

Deno.test("HostCheck.host() allows the bound name, the local address and what is listed", () => {
  const bound = new HostCheck("mcp.internal");
  assert.equal(bound.host("mcp.internal:80", nowhere, 80), "allowed");
  assert.equal(bound.host("mcp.internal:81", nowhere, 80), "foreign");
  const wildcard = new HostCheck("0.0.0.0", { allowedHosts: ["A.example", "b.example:443"] });
  assert.equal(wildcard.host("10.0.0.5:80", () => "::ffff:10.0.0.5", 80), "allowed");
  assert.equal(wildcard.host("10.0.0.6:80", () => "::ffff:10.0.0.5", 80), "foreign");
  assert.equal(wildcard.host("a.example:9", nowhere, 80), "allowed");
  assert.equal(wildcard.host("b.example:443", nowhere, 80), "allowed");
  assert.equal(wildcard.host("b.example", nowhere, 80), "foreign");
  assert.equal(new HostCheck("::", { allowedHosts: ["*"] }).host("x.y", nowhere, 80), "allowed");
});

Deno.test("HostCheck.origin() allows loopback origins on a loopback listener only", () => {
  const loopback = new HostCheck("127.0.0.1");
  const allowed = [
    "http://localhost",
    "https://localhost:3000",
    "http://127.0.0.1:1",
    "HTTP://[::1]:5",
  ];
  const foreign = [
    "https://evil.example",
    "null",
    "",
    "http://localhost.evil",
    "http://localhost@evil.example",
    "http://user@localhost",
    "http://localhost:80@evil",
    "http://localhost/",
    "http://localhost:99999999",
    "file://",
    "ws://localhost",
    "vscode-webview://x",
    "HTTP://LOCALHOST.EVIL",
    "http://localhost, http://evil",
  ];
  for (const origin of allowed) assert.equal(loopback.origin(origin, "x"), "allowed", origin);
  for (const origin of foreign) assert.equal(loopback.origin(origin, "x"), "foreign", origin);
  const open = new HostCheck("0.0.0.0", { allowedOrigins: ["https://app.example"] });
  assert.equal(open.origin("http://localhost:3000", "10.0.0.5:80"), "foreign");
  assert.equal(open.origin("http://10.0.0.5:80", "10.0.0.5:80"), "allowed", "its own pages");
  assert.equal(open.origin("https://app.example", "10.0.0.5:80"), "allowed");
});

Deno.test("isLoopbackHost() knows names and addresses of this machine", () => {
  for (const host of ["localhost", "127.0.0.1", "::1", "[::1]"]) assert.ok(isLoopbackHost(host));
  for (const host of ["0.0.0.0", "::", "128.0.0.1", "localhost.localdomain"]) {
    assert.ok(!isLoopbackHost(host));
  }
});
