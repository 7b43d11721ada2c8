/**
 * Where traces and metrics go: what is configured, and the standard variables of OpenTelemetry where nothing is.
 *
 * Source: OpenTelemetry, environment variable specification and OTLP exporter configuration.
 *
 * @module
 */
import type { Place } from "./fault.ts";
import type { Settings } from "./schema.ts";
import { type Environment, expandVariables } from "./variables.ts";

/** Where requests to a collector go. */
export interface CollectorTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is traced, and where it goes, fully resolved. */
export interface TracingConfig {
  /** Absent where no spans are sent. */
  readonly traces: CollectorTarget | undefined;
  /** Absent where no metrics are sent. */
  readonly metrics: CollectorTarget | undefined;
  /** Share of calls, 0 to 1. */
  readonly sample: number;
  readonly parentBased: boolean;
  readonly service: string;
  /** What else is said of this gateway, by attribute. */
  readonly resource: Readonly<Record<string, string>>;
  readonly metricsMs: number;
  readonly spans: number;
  readonly batchSpans: number;
  readonly batchMs: number;
  readonly timeoutMs: number;
  readonly flushMs: number;
}

const SAMPLE = 0.05;
const SERVICE = "sluice";

/**
 * The settings with what they leave out.
 *
 * @param place of a header in the file
 * @throws {ConfigError} a header needs a variable that is not set
 */
export function resolveTracing(
  settings: Settings["tracing"],
  env: Environment,
  place: (key: string) => Place,
): { tracing: TracingConfig; warnings: string[] } {
  const variables = new OtelVariables(env);
  const { traces, metrics } = targetsOf(settings, env, variables, place);
  const sampler = traces === undefined ? {} : variables.sampler();
  const tracing: TracingConfig = {
    traces,
    metrics: settings.metrics ? metrics : undefined,
    sample: settings.sample ?? sampler.sample ?? SAMPLE,
    parentBased: settings.parentBased ?? sampler.parentBased ?? true,
    service: settings.service || variables.service || SERVICE,
    resource: variables.resource,
    metricsMs: settings.metricsMs,
    spans: settings.spans,
    batchSpans: settings.batchSpans,
    batchMs: settings.batchMs,
    timeoutMs: settings.timeoutMs,
    flushMs: settings.flushMs,
  };
  return { tracing, warnings: variables.warnings };
}

function targetsOf(
  { endpoint, headers }: Settings["tracing"],
  env: Environment,
  variables: OtelVariables,
  place: (key: string) => Place,
): Record<"traces" | "metrics", CollectorTarget | undefined> {
  if (endpoint === "") {
    return { traces: variables.target("traces"), metrics: variables.target("metrics") };
  }
  const given = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    expandVariables(value, env, `sluice.tracing.headers.${name}`, place(name)),
  ]);
  const all = { ...variables.headers("traces"), ...Object.fromEntries(given) };
  return {
    traces: { url: below(endpoint, "v1/traces"), headers: all },
    metrics: { url: below(endpoint, "v1/metrics"), headers: all },
  };
}

function below(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
  return url.href;
}

/** The variables as every program with OpenTelemetry reads them. */
class OtelVariables {
  readonly warnings: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  get service(): string | undefined {
    return this.#env.OTEL_SERVICE_NAME || this.#attributes["service.name"];
  }

  /** Attributes besides the name of the service. */
  get resource(): Record<string, string> {
    const { "service.name": _, ...others } = this.#attributes;
    return others;
  }

  get #attributes(): Record<string, string> {
    return pairsOf(this.#env.OTEL_RESOURCE_ATTRIBUTES);
  }

  target(signal: "traces" | "metrics"): CollectorTarget | undefined {
    const { OTEL_SDK_DISABLED, OTEL_EXPORTER_OTLP_ENDPOINT: base } = this.#env;
    const own = this.#of(signal, "ENDPOINT");
    const url = own || (base && URL.canParse(base) ? below(base, `v1/${signal}`) : base);
    if (!url || OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
    const exporter = this.#env[`OTEL_${signal.toUpperCase()}_EXPORTER`];
    if (exporter && exporter !== "otlp") return undefined;
    if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url) || new URL(url).username !== "") {
      this.#warn(`the endpoint for ${signal} in OTEL_EXPORTER_OTLP_* is no plain http URL`);
      return undefined;
    }
    const protocol = this.#of(signal, "PROTOCOL") || this.#env.OTEL_EXPORTER_OTLP_PROTOCOL;
    if (protocol === "grpc") {
      this.#warn("OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not spoken; JSON over HTTP is sent instead");
    }
    return { url, headers: this.headers(signal) };
  }

  headers(signal: "traces" | "metrics"): Record<string, string> {
    return {
      ...pairsOf(this.#env.OTEL_EXPORTER_OTLP_HEADERS, true),
      ...pairsOf(this.#of(signal, "HEADERS"), true),
    };
  }

  sampler(): { sample?: number; parentBased?: boolean } {
    const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument } = this.#env;
    if (!name) return {};
    const match = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name);
    if (match === null) {
      this.#warn(`the sampler ${JSON.stringify(name)} of OTEL_TRACES_SAMPLER is not known`);
      return {};
    }
    const parentBased = match[1] !== undefined;
    if (match[2] === "always_on") return { sample: 1, parentBased };
    if (match[2] === "always_off") return { sample: 0, parentBased };
    const share = Number(argument || 1);
    if (share >= 0 && share <= 1) return { sample: share, parentBased };
    this.#warn("OTEL_TRACES_SAMPLER_ARG is no share from 0 to 1");
    return { parentBased };
  }

  #of(signal: "traces" | "metrics", what: string): string | undefined {
    return this.#env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${what}`];
  }

  #warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }
}

/** `a=1,b=2`, percent-encoded as in W3C Baggage. What is malformed is left out. */
function pairsOf(text = "", isHeaders = false): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const name = part.slice(0, Math.max(0, at)).trim();
    if (!/^[\w.!#$&'*+^`|~-]{1,128}$/.test(name)) continue;
    const value = decoded(part.slice(at + 1).trim());
    if (isHeaders && !/^[\t\x20-\x7e]*$/.test(value)) continue;
    pairs[isHeaders ? name.toLowerCase() : name] = value;
  }
  return pairs;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray per cent sign
  }
}
