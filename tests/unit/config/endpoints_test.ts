import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isLoopback,
  parseListen,
  parseUpstreamUrl,
  redactUrl,
  splitNamed,
} from "../../../lib/config/endpoints.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, `not a ConfigError: ${thrown}`);
    return `${thrown.message}; ${thrown.advice}`;
  }
  throw new Error("nothing was thrown");
}

Deno.test("parseListen() takes http and stdio", () => {
  assert.equal(parseListen("http://127.0.0.1:0").url.port, "0");
  assert.equal(parseListen("http://[::1]:8080/").url.host, "[::1]:8080");
  assert.equal(parseListen("stdio:").url.href, "stdio:");
  assert.equal(parseListen("stdio://").url.href, "stdio:");
});

Deno.test("parseListen() says what is wrong, and what is supported", () => {
  const use =
    "use http://HOST:PORT, https://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio:";
  const write = "write http://HOST:PORT";
  const golden: [string, string][] = [
    ["https://h:1", "a TLS listener needs a certificate and its key; add ?cert=FILE&key=FILE"],
    ["gopher://h:1", `gopher is not a known scheme; ${use}`],
    ["tcp://h", "it names no host and port; write tcp://HOST:PORT"],
    ["localhost:8080", `localhost is not a known scheme; ${use}`],
    ["8080", `it is not a URL; write ${use.slice("use ".length)}`],
    ["http://h:1/mcp", `a listener has a fixed set of paths (/mcp, ...); ${write}`],
    ["http://h:1/?x=***", `it has no parameters without TLS; ${write}`],
    ["stdio:x", "stdio has no address; write stdio:"],
  ];
  for (const [text, expected] of golden) {
    assert.equal(faultOf(() => parseListen(text)), `Cannot listen on ${text}: ${expected}`);
  }
});

Deno.test("parseUpstreamUrl() takes http, https and builtins, and drops the fragment", () => {
  assert.equal(parseUpstreamUrl("http://h:1/mcp?a=b#c").url.href, "http://h:1/mcp?a=b");
  assert.equal(parseUpstreamUrl("https://h/mcp").url.href, "https://h/mcp");
  assert.equal(parseUpstreamUrl("builtin:echo").url.href, "builtin:echo");
  assert.deepEqual(parseUpstreamUrl("http://h/", { a: "b" }).headers, { a: "b" });
});

Deno.test("parseUpstreamUrl() says what is wrong, and what is supported", () => {
  const list =
    "http://, https://, sse+http://, ws://, wss://, tcp://, tls://, unix:///, builtin:echo, builtin:demo or a command after --";
  const golden: [string, string][] = [
    ["gopher://h/", `gopher is not a known scheme; use ${list}`],
    ["wss://h/?cert=***", "a certificate and its key belong together; give both cert and key"],
    ["ws://h:0/", "port 0 cannot be dialled; name the port of the server"],
    ["ftp://h/", `ftp is not a known scheme; use ${list}`],
    ["stdio:", `stdio is not a known scheme; use ${list}`],
    ["builtin:nope", "there is no such builtin; use builtin:echo or builtin:demo"],
    ["http://h:0/", "port 0 cannot be dialled; name the port of the server"],
    ["node server.js", `it is not a URL; write ${list}`],
  ];
  for (const [text, expected] of golden) {
    assert.equal(
      faultOf(() => parseUpstreamUrl(text, undefined, "c.json:3")),
      `Cannot use upstream ${text}: ${expected} (c.json:3)`,
    );
  }
});

Deno.test("parseUpstreamUrl() refuses credentials and never repeats them", () => {
  assert.equal(
    faultOf(() => parseUpstreamUrl("http://user:hunter2@h/mcp?key=hunter2")),
    "Cannot use upstream http://***@h/mcp?key=***: credentials in a URL end up in logs; " +
      "send them in a header, from a variable",
  );
  for (
    const text of [
      "http://user:hunter2@h:99999/",
      "http://user:hunter2/x@h/",
      "http:user:hunter2@h/",
      "ws://hunter2@h/",
      "user:hunter2@h/mcp",
      "hunter2@h",
      "http://h:0/?hunter2",
      "http:///user:hunter2@h/",
      "sse+http://u:hunter2@h/",
      "https://h:port/?token=hunter2",
    ]
  ) {
    assert.doesNotMatch(faultOf(() => parseUpstreamUrl(text)), /hunter2/, text);
  }
});

Deno.test("parseListen() and parseUpstreamUrl() throw nothing but ConfigError", () => {
  const text = fc.oneof(fc.string(), fc.webUrl(), fc.string().map((rest) => `http://${rest}`));
  fc.assert(fc.property(text, (url) => {
    for (const parse of [parseListen, parseUpstreamUrl]) {
      try {
        parse(url);
      } catch (thrown) {
        assert.ok(thrown instanceof ConfigError);
      }
    }
  }));
});

Deno.test("splitNamed() splits at the first =", () => {
  assert.deepEqual(splitNamed("a=http://h/?x=y"), { name: "a", url: "http://h/?x=y" });
  for (const text of ["http://h/?a=b", "=http://h/", "a=", "a b=http://h/", "http://h/"]) {
    assert.match(faultOf(() => splitNamed(text)), /write NAME=URL$/, text);
  }
});

Deno.test("redactUrl() keeps what tells servers apart", () => {
  assert.equal(redactUrl("https://h:1/mcp?a=1&b=2#f"), "https://h:1/mcp?a=***&b=***");
  assert.equal(redactUrl("builtin:demo"), "builtin:demo");
});

Deno.test("isLoopback() knows the addresses of this machine", () => {
  const loopback = (url: string) => isLoopback({ url: new URL(url) });
  for (
    const url of ["http://127.0.0.1:1", "http://127.9.9.9", "http://localhost", "http://[::1]:1"]
  ) {
    assert.ok(loopback(url), url);
  }
  for (
    const url of ["http://0.0.0.0:1", "http://[::]:1", "http://10.0.0.1", "http://example.com"]
  ) {
    assert.ok(!loopback(url), url);
  }
});
