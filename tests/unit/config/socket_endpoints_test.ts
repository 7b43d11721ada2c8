import assert from "node:assert/strict";
import { checkSocketListener, checkSocketUpstream } from "../../../lib/config/socket_endpoints.ts";

const PIN = `pin=sha256/${"A+/".repeat(14)}a=`;

Deno.test("checkSocketListener() takes byte streams with their parameters", () => {
  for (
    const url of [
      "tcp://127.0.0.1:0",
      "tcp://[::1]:80/?framing=newline",
      "tcp://h:1?framing=length&compress=auto",
      "tls://h:1?cert=a&key=b",
      "tls://h:1?cert=/a%20b&key=b+c&clientCa=d&framing=length",
      "unix:///run/x.sock?framing=length",
    ]
  ) {
    assert.equal(checkSocketListener(new URL(url)), undefined, url);
  }
});

Deno.test("checkSocketListener() says what is wrong", () => {
  const golden: [string, string][] = [
    ["tcp://h", "it names no host and port"],
    ["tcp://h:1/x", "byte streams have no path"],
    ["tcp://h:1#x", "it has a fragment"],
    ["tcp://u@h:1", "byte streams have no user"],
    ["tcp://h:1?a=b", "a is no parameter of it"],
    ["tcp://h:1?cert=b", "cert is no parameter of it"],
    ["tcp://h:1?framing=x", "there is no framing x"],
    ["tcp://h:1?framing=length&framing=newline", "framing stands there twice"],
    ["tcp://h:1?framing=", "framing has no value"],
    ["tcp://h:1?framing=%E0", "a % in its parameters begins nothing"],
    ["tcp://h:1?framing=length&compress=lz4", "there is no compress=lz4"],
    ["tcp://h:1?compress=auto", "lines are not compressed"],
    ["tls://h:1?cert=a", "a TLS listener needs a certificate and its key"],
    ["tls://h:1?cert=a&key=b&ca=c", "ca is no parameter of it"],
    ["tls://h:1?cert=a&key=b&" + PIN, "pin is no parameter of it"],
    ["unix://run/x", "it names no file by its full path"],
    ["unix:x", "it names no file by its full path"],
    ["unix:///", "it names no file by its full path"],
  ];
  for (const [url, why] of golden) assert.equal(checkSocketListener(new URL(url))?.[0], why, url);
});

Deno.test("checkSocketUpstream() takes pins and authorities, and certificates only with their keys", () => {
  const problem = (query: string) => checkSocketUpstream(new URL(`tls://h:1?${query}`))?.[0];
  assert.equal(problem(""), undefined);
  assert.equal(problem(`ca=a&${PIN}&${PIN}`), undefined);
  assert.equal(problem("cert=a&key=b"), undefined);
  assert.equal(problem("cert=a"), "a certificate and its key belong together");
  assert.equal(problem("pin=sha256/xx"), "a pin is the SHA-256 of a public key");
  assert.equal(problem("clientCa=a"), "clientCa is no parameter of it");
  assert.equal(
    checkSocketUpstream(new URL("tcp://h:0"))?.[0],
    "port 0 cannot be dialled",
  );
});
