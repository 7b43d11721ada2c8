import assert from "node:assert/strict";
import http from "node:http";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { LineClient } from "../fixtures/line_client.ts";
import { modernHeaders, modernMeta } from "../fixtures/reporting/callers.ts";
import { ReportChannel, startReportingHttp } from "../fixtures/reporting/channel.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

/** What a cancellation may take on its way through the gateway, ms; the test allows three times that. */
const CANCEL_MS = 500;

const HANG = { name: "hang", arguments: { nonce: "hangs" } };
const QUIET = ["--log-level", "error"];

/** Opens a connection for one request; the test closes it. */
function post(url: URL, headers: Record<string, string>, message: object): http.ClientRequest {
  const request = http.request(url, {
    method: "POST",
    agent: false,
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      ...headers,
    },
  });
  request.on("error", () => {}); // it is we who break it
  request.end(JSON.stringify({ jsonrpc: "2.0", ...message }));
  return request;
}

function postModern(url: URL, id: unknown): http.ClientRequest {
  const params = { ...HANG, _meta: modernMeta() };
  return post(url, modernHeaders("tools/call", "hang"), { id, method: "tools/call", params });
}

/** Closes once the call has arrived; returns the id of the call at the server, and when that was. */
async function closeWhenExecuted(channel: ReportChannel, request: http.ClientRequest) {
  const { message } = await channel.until("tools/call");
  await channel.executed("hangs");
  const closedMs = performance.now();
  request.destroy();
  return { id: message.id, closedMs };
}

function isInTime(atMs: number, closedMs: number): void {
  const tookMs = atMs - closedMs;
  console.log(`  cancelled after ${tookMs.toFixed(1)} ms`);
  assert.ok(tookMs < 3 * CANCEL_MS, `it took ${tookMs} ms`);
}

for (const era of ["legacy", "modern"] as const) {
  for (const sharing of [[], ["--shared"]]) {
    Deno.test(`a modern client that closes its stream cancels its call at a ${era} stdio server ${sharing}`, async () => {
      await using channel = new ReportChannel();
      await using gateway = await startServe(channel.command({ transport: "stdio", era }), {
        flags: [...sharing, ...QUIET],
      });
      const { id, closedMs } = await closeWhenExecuted(channel, postModern(gateway.url, "mine"));
      assert.notEqual(id, "mine");
      const { message, atMs } = await channel.until("notifications/cancelled");
      assert.equal(message.params.requestId, id);
      isInTime(atMs, closedMs);
      await works(gateway);
      assert.equal(channel.received("notifications/cancelled").length, 1);
    });
  }
}

Deno.test("a modern client that closes its stream closes that of its call at a modern HTTP server", async () => {
  await using channel = new ReportChannel();
  await using server = await startReportingHttp(channel, "modern");
  await using gateway = await startServe(server.url, { flags: QUIET });
  const { id, closedMs } = await closeWhenExecuted(channel, postModern(gateway.url, "mine"));
  const { atMs } = await channel.next(
    (report) => report.event === "closed" && report.id === id,
    "the end of the stream",
  );
  isInTime(atMs, closedMs);
  await works(gateway);
  assert.equal(channel.received("notifications/cancelled").length, 0);
});

for (const era of ["legacy", "modern"] as const) {
  Deno.test(`notifications/cancelled of a modern client on tcp reaches a ${era} stdio server`, async () => {
    await using channel = new ReportChannel();
    await using gateway = await startServe(channel.command({ transport: "stdio", era }), {
      flags: ["--listen", "tcp://127.0.0.1:0", ...QUIET],
    });
    using client = await LineClient.connect(new URL(/tcp:\/\/\S+/.exec(gateway.stdout())![0]));
    client.read();
    const send = (message: object) =>
      client.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
    const _meta = modernMeta();
    await send({ id: "mine", method: "tools/call", params: { ...HANG, _meta } });
    const { message: { id } } = await channel.until("tools/call");
    await channel.executed("hangs");
    const cancelledMs = performance.now();
    await send({ method: "notifications/cancelled", params: { requestId: "mine", _meta } });
    const { message, atMs } = await channel.until("notifications/cancelled");
    assert.equal(message.params.requestId, id);
    isInTime(atMs, cancelledMs);
    await send({ id: "next", method: "tools/list", params: { _meta } });
    assert.equal(JSON.parse((await client.line())!).id, "next"); // nothing came to the first
  });
}

Deno.test("a legacy client's lost connection cancels nothing; its answer can be fetched", async () => {
  await using channel = new ReportChannel();
  await using gateway = await startServe(channel.command({ transport: "stdio", era: "legacy" }), {
    flags: QUIET,
  });
  using client = new GatewayClient(gateway.url.href);
  await client.initialize();
  const headers = {
    "mcp-session-id": client.sessionId!,
    "mcp-protocol-version": "2025-11-25",
  };
  const params = { ...HANG, _meta: { progressToken: "token" } };
  const request = post(gateway.url, headers, { id: "mine", method: "tools/call", params });
  const { message: { id } } = await channel.until("tools/call");
  await channel.executed("hangs");
  const progress = { progressToken: id, progress: 1 };
  const streaming = lastEventId(request);
  await channel.order({ send: { method: "notifications/progress", params: progress } });
  const eventId = await bounded(streaming, "an event to come back with");
  request.destroy();
  const other = await bounded(client.call("1", {}), "an answer");
  assert.notEqual(other.result, undefined); // what the end of the connection sets off is done
  await channel.order({ release: "hangs" });
  const fetched = await bounded(answerBehind(gateway.url, headers, eventId), "the answer");
  assert.equal(fetched.id, "mine");
  assert.equal(JSON.parse(fetched.result.content[0].text).nonce, "hangs");
  assert.equal(channel.received("notifications/cancelled").length, 0);
  assert.equal(channel.reports.filter(({ nonce }) => nonce === "hangs").length, 1);
});

/** The server still works, so that it can be said what it was not told. */
async function works(gateway: SluiceServe): Promise<void> {
  using client = new GatewayClient(gateway.url.href);
  const params = { name: "echo", arguments: {}, _meta: modernMeta() };
  const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const answer = client.post(text, modernHeaders("tools/call", "echo"));
  assert.notEqual((await bounded(answer, "an answer")).messages.at(-1).result, undefined);
}

/** Resolves with the first event id of the answer that has come with a message. */
function lastEventId(request: http.ClientRequest): Promise<string> {
  return new Promise((resolve) => {
    request.on("response", (response) => {
      let text = "";
      response.on("error", () => {}); // it is we who break it
      response.on("data", (chunk) => {
        text += chunk;
        const found = /id: ?(\S+)\ndata: ?\{|id: ?(\S+)\n(?:event: ?\S+\n)?data: ?\{/.exec(text);
        if (found !== null) resolve(found[1] ?? found[2]);
      });
    });
  });
}

/** The response that a stream brings behind an event. */
async function answerBehind(
  url: URL,
  headers: Record<string, string>,
  eventId: string,
  // deno-lint-ignore no-explicit-any -- tests look into it freely
): Promise<any> {
  const accept = "text/event-stream";
  const response = await fetch(url, { headers: { ...headers, accept, "last-event-id": eventId } });
  const messages = (await response.text()).split("\n")
    .filter((line) => line.startsWith("data:") && line.length > 6)
    .map((line) => JSON.parse(line.slice(5)));
  return messages.find(({ method }) => method === undefined);
}
