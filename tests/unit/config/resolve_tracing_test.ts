import assert from "node:assert/strict";
import { resolveConfig } from "../../../lib/config/load.ts";
import { resolveTracing } from "../../../lib/config/resolve_tracing.ts";
import { settingsSchema } from "../../../lib/config/schema.ts";

function resolved(settings: object, env: Record<string, string> = {}) {
  const { tracing } = settingsSchema.parse({ tracing: settings });
  return resolveTracing(tracing, env, () => undefined);
}

Deno.test("resolveTracing() traces nothing where nobody says where to", () => {
  const { tracing, warnings } = resolved({}, { OTEL_TRACES_SAMPLER: "nonsense" });
  assert.equal(tracing.traces, undefined);
  assert.equal(tracing.metrics, undefined);
  assert.deepEqual(warnings, []);
});

Deno.test("resolveTracing() takes the settings before the variables of OpenTelemetry", () => {
  const env = {
    KEY: "s3cret",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://elsewhere:4318",
    OTEL_EXPORTER_OTLP_HEADERS: "a=1,X-Key=2",
    OTEL_SERVICE_NAME: "other",
    OTEL_TRACES_SAMPLER: "always_on",
  };
  const settings = {
    endpoint: "https://collector/base/",
    headers: { "X-Key": "Bearer ${KEY}" },
    sample: 0.25,
    service: "mine",
  };
  const { tracing } = resolved(settings, env);
  const headers = { a: "1", "x-key": "Bearer s3cret" };
  assert.deepEqual(tracing.traces, { url: "https://collector/base/v1/traces", headers });
  assert.deepEqual(tracing.metrics, { url: "https://collector/base/v1/metrics", headers });
  assert.equal(tracing.sample, 0.25);
  assert.equal(tracing.parentBased, false);
  assert.equal(tracing.service, "mine");
});

Deno.test("resolveTracing() reads the variables of OpenTelemetry", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:9/own",
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20YTpi, bad header=1,no-value,x=%",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=named,deployment.environment=test",
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.5",
  };
  const { tracing, warnings } = resolved({}, env);
  const headers = { authorization: "Basic YTpi", x: "%" };
  assert.deepEqual(tracing.traces, { url: "http://127.0.0.1:9/own", headers });
  assert.deepEqual(tracing.metrics, { url: "http://127.0.0.1:4318/v1/metrics", headers });
  assert.equal(tracing.sample, 0.5);
  assert.equal(tracing.parentBased, true);
  assert.equal(tracing.service, "named");
  assert.deepEqual(tracing.resource, { "deployment.environment": "test" });
  assert.deepEqual(warnings, []);
  const off = resolved({}, { ...env, OTEL_SDK_DISABLED: "true" }).tracing;
  assert.equal(off.traces ?? off.metrics, undefined);
  const some = resolved({}, { ...env, OTEL_METRICS_EXPORTER: "none" }).tracing;
  assert.equal(some.metrics, undefined);
  assert.ok(some.traces);
});

Deno.test("resolveTracing() warns of variables that it cannot follow, and goes on", () => {
  const { tracing, warnings } = resolved({}, {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4317",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_TRACES_SAMPLER: "xray",
  });
  assert.ok(tracing.traces);
  assert.equal(tracing.sample, 0.05);
  assert.equal(warnings.length, 2);
  const bad = resolved({}, { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" });
  assert.equal(bad.tracing.traces, undefined);
  assert.equal(bad.warnings.length, 2);
  const share = resolved({}, {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "7",
  });
  assert.equal(share.tracing.sample, 0.05);
  assert.equal(share.warnings.length, 1);
});

Deno.test("the schema refuses endpoints that are none, or hold a password", () => {
  for (const endpoint of ["collector:4317", "grpc://a", "http://", "http://u:p@host"]) {
    assert.equal(settingsSchema.safeParse({ tracing: { endpoint } }).success, false, endpoint);
  }
});

Deno.test("resolveConfig() reads levels of modules from the environment", async () => {
  const env = { SLUICE_LOG_LEVELS: "upstream=debug, calls=trace" };
  const { log } = await resolveConfig(undefined, {}, env);
  assert.deepEqual(log.levels, { upstream: "debug", calls: "trace" });
  await assert.rejects(resolveConfig(undefined, {}, { SLUICE_LOG_LEVELS: "upstream=loud" }));
});
