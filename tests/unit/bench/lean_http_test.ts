import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Latencies } from "../../../lib/bench/latencies.ts";
import { dialLeanHttp } from "../../../lib/bench/lean_http.ts";
import { runPlan } from "../../../lib/bench/run_plan.ts";
import { Message } from "../../../lib/core/message.ts";
import { echo, shortPlan, UNWATCHED } from "../../fixtures/bench_scene.ts";

const never = new AbortController().signal;

async function serving(answer: RequestListener): Promise<{ server: Server; url: URL }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: new URL(`http://127.0.0.1:${port}/mcp`) };
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Runs a short plan against a server that answers calls, and everything else rightly. */
async function runAgainst(
  onCall: (index: number, ...args: Parameters<RequestListener>) => boolean,
) {
  let index = 0;
  const heads: string[] = [];
  const { server, url } = await serving(async (request, response) => {
    heads.push(`${request.method} ${request.headers["mcp-session-id"]}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const message = Message.from(
      new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()),
    );
    if (message.kind !== "request") return void response.writeHead(202).end();
    if (message.method === "initialize") response.setHeader("mcp-session-id", "s1");
    else if (onCall(index++, request, response)) return;
    response.setHeader("content-type", "application/json");
    response.end(echo(message).bytes);
  });
  try {
    const dial = (signal: AbortSignal) => dialLeanHttp({ url }, signal);
    return { report: await runPlan(shortPlan(), dial, UNWATCHED, never), heads };
  } finally {
    await closed(server);
  }
}

Deno.test("dialLeanHttp() keeps a session and ends it", async () => {
  const { report, heads } = await runAgainst(() => false);
  assert.deepEqual([report.errors, report.lost, report.crossed, report.noncesChecked], [
    {},
    0,
    0,
    true,
  ]);
  assert.ok(report.answered > 0);
  assert.equal(heads.filter((head) => head === "POST undefined").length, 3, "initialize");
  assert.equal(heads.filter((head) => head === "DELETE s1").length, 3);
});

Deno.test("dialLeanHttp() tells the status of a refusal", async () => {
  const { report } = await runAgainst((index, _request, response) => {
    if (index % 3 === 0) response.writeHead(503).end("busy");
    return index % 3 === 0;
  });
  assert.ok(report.errors["error 503"] > 0);
  assert.ok(report.answered > 0);
});

Deno.test("dialLeanHttp() goes on with another connection when one is closed", async () => {
  const { report } = await runAgainst((index, request) => {
    if (index % 5 === 4) request.socket.destroy();
    return index % 5 === 4;
  });
  assert.ok(report.errors["error 0"] > 0);
  assert.ok(report.answered > 0);
  assert.equal(Latencies.decode(report.reconnects).count, 0);
});

Deno.test("dialLeanHttp() says that nobody listens", async () => {
  const { server, url } = await serving(() => {});
  await closed(server);
  await assert.rejects(
    dialLeanHttp({ url }, never),
    /Cannot connect to 127\.0\.0\.1:\d+: .*refused/i,
  );
});
