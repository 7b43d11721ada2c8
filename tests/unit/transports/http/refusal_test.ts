import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { hasUnreadBody } from "../../../../transports/http/refusal.ts";

const WITH_BODY = { "content-length": "3" };
const CHUNKED = { "transfer-encoding": "chunked" };

/** Name, what the runtime says of the request, whether a body is unread. */
const REQUESTS: readonly (readonly [string, Partial<IncomingMessage>, boolean])[] = [
  ["it has no body", { complete: false, headers: {} }, false],
  ["its body is empty", { complete: false, headers: { "content-length": "0" } }, false],
  ["its body is under way", { complete: false, headers: WITH_BODY }, true],
  ["its chunks are under way", { complete: false, headers: CHUNKED }, true],
  ["its body has arrived", { complete: true, headers: WITH_BODY }, false],
  // What Deno 2.6 says when a body was read to its end: it has no `complete`.
  ["its body was read", { readableEnded: true, headers: WITH_BODY }, false],
];

for (const [name, request, expected] of REQUESTS) {
  Deno.test(`hasUnreadBody() is ${expected} when ${name}`, () => {
    assert.equal(hasUnreadBody(request as IncomingMessage), expected);
  });
}
