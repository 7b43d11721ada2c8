/**
 * Traces and metrics for a collector, where one is configured. Nothing of it is loaded elsewhere.
 *
 * @module
 */
import type { Endpoint } from "../../lib/core/connection.ts";
import type { Policy } from "../../lib/core/handler.ts";
import type { GatewayConfig, UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { CollectorTarget } from "../../lib/config/resolve_tracing.ts";
import type { Logger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { Attribute } from "../../lib/telemetry/tracing/span.ts";
import type { Tracing } from "../../lib/telemetry/tracing/tracing.ts";
import type { Dial } from "../../lib/upstream/client.ts";
import { VERSION } from "../version.ts";
import type { Base } from "./base.ts";

const HTTP = /^(sse\+)?https?:$/;

/** Starts tracing; `undefined` where nothing is to be sent anywhere. */
export async function createTracing(
  { tracing }: GatewayConfig,
  registry: Registry,
  log: Logger,
): Promise<Tracing | undefined> {
  const { traces, metrics, sample, parentBased, service, resource, timeoutMs } = tracing;
  if (traces === undefined && metrics === undefined) return undefined;
  const { startTracing } = await import("../../lib/telemetry/tracing/tracing.ts");
  const timed = (target: CollectorTarget | undefined) => target && { ...target, timeoutMs };
  const attributes: Attribute[] = [
    ["service.name", service],
    ["service.version", VERSION],
    ["service.instance.id", crypto.randomUUID()],
    ["process.pid", Deno.pid],
  ];
  const given = Object.entries(resource).filter(([name]) =>
    attributes.every(([own]) => own !== name)
  );
  return startTracing(
    {
      ...tracing,
      share: sample,
      isParentBased: parentBased,
      traces: timed(traces),
      metrics: timed(metrics),
      spansMax: tracing.spans,
      resource: { attributes: [...attributes, ...given], version: VERSION },
    },
    registry,
    log.child("tracing"),
  );
}

/** The layer around each attempt at a server; none where nothing is traced. */
export function clientTracing({ tracing }: Base, upstream: UpstreamConfig): readonly Policy[] {
  const urls = upstream.endpoints.map(({ endpoint }) => endpoint.url);
  const address = urls.length === 1 ? addressOf(urls[0]) : [];
  const isHttp = urls.some(({ protocol }) => HTTP.test(protocol));
  return tracing?.client([["sluice.upstream", upstream.name], ...address], isHttp) ?? [];
}

/** Where a server is, as far as that is no secret. */
function addressOf({ protocol, hostname, port }: URL): Attribute[] {
  if (protocol === "stdio:") return [["network.transport", "pipe"]];
  if (protocol === "unix:") return [["network.transport", "unix"]];
  if (hostname === "") return [];
  const number = Number(port);
  const where: Attribute[] = [["network.transport", "tcp"], ["server.address", hostname]];
  return number > 0 ? [...where, ["server.port", number]] : where;
}

/** Dials connections that tell what they send; as it was where nothing is traced. */
export function sendTracing({ tracing }: Base, { url }: Endpoint, dial: Dial): Dial {
  if (tracing === undefined) return dial;
  const compression = url.searchParams.get("compress") ?? "none";
  return async (signal) => tracing.sending(await dial(signal), compression);
}
