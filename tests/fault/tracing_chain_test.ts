import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayProcess, sluiceCommand, until } from "../fixtures/gateway_process.ts";
import { OtlpSink, type SentSpan } from "../fixtures/otlp_sink.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";

const ignore = Deno.build.os !== "linux";
const TRACE = "0af7651916cd43dd8448eb211c80319c", SPAN = "b7ad6b7169203331";
const PARENT = `00-${TRACE}-${SPAN}-01`;
/** Answers with the `_meta` that it was sent. */
const command = {
  program: Deno.execPath(),
  args: ["run", "-A", fileURLToPath(new URL("../fixtures/meta_server.js", import.meta.url))],
};

function tracedBy(sink: OtlpSink, more: Record<string, string> = {}): Record<string, string> {
  return {
    SLUICE_TRACING_ENDPOINT: sink.url,
    SLUICE_TRACING_SAMPLE: "0",
    SLUICE_TRACING_BATCH_MS: "50",
    SLUICE_TRACING_METRICS: "false",
    ...more,
  };
}

/** `_meta` of a call as the server has seen it. */
// deno-lint-ignore no-explicit-any -- it came over a wire
function metaOf(answer: any): Record<string, string> | null {
  return JSON.parse(answer.result.content[0].text);
}

function parentOf(spans: readonly SentSpan[], span: SentSpan): SentSpan | undefined {
  return spans.find(({ spanId }) => spanId === span.parentSpanId);
}

/** A session over HTTP. */
async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const line = text.startsWith("{") ? text : /^data: (\{.*)$/m.exec(text)?.[1];
  return {
    session: response.headers.get("mcp-session-id")!,
    answer: line === undefined ? undefined : JSON.parse(line),
  };
}

async function sessionAt(url: string): Promise<Record<string, string>> {
  const params = {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  };
  const { session } = await post(url, { jsonrpc: "2.0", id: 0, method: "initialize", params });
  const headers = { "mcp-session-id": session };
  await post(url, { jsonrpc: "2.0", method: "notifications/initialized" }, headers);
  return headers;
}

Deno.test({
  name: "one trace connects a client with proxy, serve and the server behind them",
  ignore,
  async fn() {
    await using sink = await OtlpSink.open();
    await using serve = await GatewayProcess.start({
      command,
      env: tracedBy(sink, { OTEL_SERVICE_NAME: "serve" }),
    });
    const env = tracedBy(sink, { SLUICE_TRACING_SERVICE: "proxy" });
    await using proxy = startStdioPeer(sluiceCommand("proxy", { args: [serve.url], env }));
    await proxy.initialize();
    const _meta = { traceparent: PARENT, tracestate: "a=b", baggage: "c=d" };
    const seen = metaOf(await proxy.request("tools/call", { name: "meta", _meta }))!;
    await sink.until(() => sink.named("mcp.server tools/call").length === 2, "both sides");
    await sink.until(() => sink.named("transport.send").length >= 2, "what was sent");
    const ours = sink.spans.filter(({ traceId }) => traceId === TRACE);
    const lastAttempt = ours.find(({ spanId }) => seen.traceparent.includes(spanId))!;
    const chain: string[] = [];
    let span: SentSpan | undefined = lastAttempt;
    for (; span !== undefined; span = parentOf(ours, span)) {
      chain.push(`${span.resource["service.name"]} ${span.name}`);
      if (span.parentSpanId === SPAN) chain.push("client");
    }
    assert.deepEqual(chain, [
      "serve mcp.client tools/call",
      "serve mcp.server tools/call",
      "proxy mcp.client tools/call",
      "proxy mcp.server tools/call",
      "client",
    ]);
    assert.equal(seen.tracestate, "a=b");
    assert.equal(seen.baggage, "c=d");
    const sends = ours.filter(({ name }) => name === "transport.send");
    assert.deepEqual(sends.map((one) => parentOf(ours, one)?.name), [
      "mcp.client tools/call",
      "mcp.client tools/call",
    ]);
    assert.deepEqual(
      sends.map(({ facts }) => facts["sluice.transport"]).toSorted(),
      ["child", "http"],
    );
    for (const { facts } of sends) {
      assert.ok(Number(facts["sluice.message_bytes"]) > 100);
      assert.equal(facts["sluice.batch_messages"], "1");
      assert.equal(facts["sluice.compression"], "none");
    }
    assert.equal(lastAttempt.facts["gen_ai.tool.name"], "meta");
    assert.doesNotMatch(JSON.stringify(sink.spans), new RegExp("Mcp-Session", "i"));
  },
});

Deno.test({
  name: "serve takes the context of a header where _meta has none, and ignores what is none",
  ignore,
  async fn() {
    await using sink = await OtlpSink.open();
    await using serve = await GatewayProcess.start({ command, env: tracedBy(sink) });
    const headers = await sessionAt(serve.url);
    const call = async (id: number, params: object | undefined, more: Record<string, string>) => {
      const request = { jsonrpc: "2.0", id, method: "tools/call", params };
      return metaOf((await post(serve.url, request, { ...headers, ...more })).answer);
    };
    const named = { name: "meta" };
    const fromHeader = await call(1, named, { traceparent: PARENT, tracestate: "x=y" });
    assert.match(fromHeader!.traceparent, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`));
    assert.equal(fromHeader!.tracestate, "x=y");
    const inner = `00-${"1".repeat(32)}-${"2".repeat(16)}-00`;
    const both = await call(2, { ...named, _meta: { traceparent: inner } }, {
      traceparent: PARENT,
    });
    assert.deepEqual(both, { traceparent: inner });
    const notSampled = await call(3, named, { traceparent: PARENT.replace(/1$/, "0") });
    assert.deepEqual(notSampled, { traceparent: PARENT.replace(/1$/, "0") });
    for (const bad of ["00-0-0-0", `00-${"0".repeat(32)}-${SPAN}-01`, "x".repeat(4000)]) {
      assert.equal(await call(4, named, { traceparent: bad }), null);
    }
    assert.equal(await call(5, named, {}), null);
    const ping = { jsonrpc: "2.0", id: 6, method: "ping" };
    const pinged = await post(serve.url, ping, { ...headers, traceparent: PARENT });
    assert.deepEqual(pinged.answer, { jsonrpc: "2.0", id: 6, result: {} });
    await sink.until(() => sink.named("mcp.server ping").length === 1, "the ping");
    assert.deepEqual(sink.named("mcp.server tools/call").map(({ parentSpanId }) => parentSpanId), [
      SPAN,
    ]);
  },
});

Deno.test({
  name:
    "a collector that is silent, or gone, delays neither calls nor the end; what waits leaves at the drain",
  ignore,
  async fn() {
    await using sink = await OtlpSink.open();
    sink.isSilent = true;
    const env = tracedBy(sink, {
      SLUICE_TRACING_SAMPLE: "1",
      SLUICE_TRACING_SPANS: "16",
      SLUICE_TRACING_FLUSH_MS: "300",
    });
    await using serve = await GatewayProcess.start({ command, env });
    const headers = await sessionAt(serve.url);
    await sink.until(() => sink.requests.length > 0, "the first request");
    for (let id = 1; id <= 50; id++) {
      const params = { name: "meta" };
      const request = { jsonrpc: "2.0", id, method: "tools/call", params };
      assert.ok(metaOf((await post(serve.url, request, headers)).answer)!.traceparent);
    }
    assert.ok(await serve.metric("sluice_trace_spans_dropped_total") > 100);
    assert.equal((await serve.stop()).code, 0);

    sink.isSilent = false;
    sink.spans.length = 0;
    await using other = await GatewayProcess.start({
      command,
      env: { ...env, SLUICE_TRACING_BATCH_MS: "3600000", SLUICE_TRACING_METRICS: "true" },
    });
    await sessionAt(other.url);
    assert.equal((await other.stop()).code, 0);
    assert.equal(sink.named("mcp.server initialize").length, 1);
    const names = sink.metrics.map(({ name }) => name);
    assert.ok(names.includes("sluice_requests_total"));
    const duration = sink.metrics.find(({ name }) => name === "sluice_request_duration_seconds");
    const [point] = duration.histogram.dataPoints;
    assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
    assert.equal(
      point.bucketCounts.reduce((sum: number, one: string) => sum + Number(one), 0),
      Number(point.count),
    );
  },
});

Deno.test({
  name: "an outage of the collector is told once, and its end",
  ignore,
  async fn() {
    await using sink = await OtlpSink.open();
    sink.status = 503;
    const env = tracedBy(sink, { SLUICE_TRACING_SAMPLE: "1" });
    await using serve = await GatewayProcess.start({ command, env });
    await sessionAt(serve.url);
    await sink.until(() => sink.requests.length >= 2, "two tries");
    sink.status = 200;
    await sink.until(() => sink.spans.length > 0, "the spans");
    await until(() => serve.log.includes("exported again"), "the end of the outage");
    assert.equal(serve.log.match(/traces cannot be exported/g)?.length, 1);
    assert.equal((await bounded(serve.stop(), "the end")).code, 0);
  },
});
