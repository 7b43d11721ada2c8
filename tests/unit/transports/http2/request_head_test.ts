import assert from "node:assert/strict";
import { requestHead } from "../../../../transports/http2/request_head.ts";

/** A request as `Deno.serve` makes it: with a URL as it came, which `new Request` would mend. */
function served(url: string, headers: Record<string, string> = {}, body?: string): Request {
  const method = body === undefined ? "GET" : "POST";
  const request = new Request("https://a/", { method, body, headers });
  request.headers.delete("content-type");
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  return Object.defineProperty(request, "url", { value: url });
}

Deno.test("requestHead() writes the request as it came", () => {
  assert.deepEqual(requestHead(served("https://h.example:1/a/../b?x=%20", { "x-a": "1, 2" })), {
    text:
      "GET /a/../b?x=%20 HTTP/1.1\r\nhost: h.example:1\r\nx-a: 1, 2\r\nconnection: close\r\n\r\n",
    isChunked: false,
  });
});

Deno.test("requestHead() takes the host from the authority, or from Host where there is none", () => {
  const host = (url: string, headers = {}) =>
    /^host: .*$/m.exec(requestHead(served(url, headers))?.text ?? "refused")?.[0];
  assert.equal(host("https://h/", { host: "h" }), "host: h");
  assert.equal(host("http+unix://h/", { host: "h" }), "host: h");
  assert.equal(host("http+unix://%2Ftmp%2Fh2/"), undefined, "the listener refuses it");
  assert.equal(requestHead(served("https://h/", { host: "evil" })), undefined);
});

Deno.test("requestHead() frames the body itself", () => {
  const fields = (headers: Record<string, string>, body?: string) => {
    const head = requestHead(served("https://h/", headers, body));
    return [head?.isChunked, head?.text.split("\r\n").slice(2, -3)];
  };
  assert.deepEqual(fields({}, "abc"), [true, ["transfer-encoding: chunked"]]);
  assert.deepEqual(fields({ "content-length": "3" }, "abc"), [false, ["content-length: 3"]]);
  assert.deepEqual(fields({ "content-length": "3" }), [false, []], "it has no body");
  const smuggled = {
    "transfer-encoding": "chunked",
    connection: "x",
    upgrade: "websocket",
    te: "x",
  };
  assert.deepEqual(fields({ ...smuggled, "content-length": "3" }, "abc"), [
    false,
    ["content-length: 3"],
  ]);
  assert.deepEqual(fields({ "content-length": "3, 3" }, "abc"), [undefined, undefined]);
});

Deno.test("requestHead() refuses what is no path of one line", () => {
  const urls = [
    "https://h",
    "https://h?a",
    "https://h/é",
    "https://h/ b",
    "https://h/\r\na: b",
    "h/",
  ];
  for (const url of urls) assert.equal(requestHead(served(url)), undefined, url);
});
