/**
 * `sluice check`: what a configuration would run, without running it.
 *
 * @module
 */
import { authenticationLines } from "../lib/config/auth_config.ts";
import { DEFAULTS } from "../lib/config/defaults.ts";
import { redactUrl } from "../lib/config/endpoints.ts";
import type { GatewayConfig, UpstreamConfig } from "../lib/config/gateway_config.ts";
import type { Command, Endpoint } from "../lib/core/connection.ts";
import type { Sharing } from "../lib/config/schema.ts";
import { SECRET_FLAG } from "../lib/config/secret_warnings.ts";
import { EXIT_DONE, oneLine } from "./errors.ts";
import { VERSION } from "./version.ts";

/** What the runtime cannot do, however it is configured. */
const NOT_IN_RUNTIME = ["TLS 1.3 0-RTT (early data): the runtime does not offer it"];

/**
 * Prints what would run. Values of headers and variables, of secret-looking arguments and of URL
 * queries are masked.
 *
 * @returns exit code 0: a configuration that gets here is valid
 */
export function check(
  config: GatewayConfig,
  write: (text: string) => void = (text) => console.log(text.trimEnd()),
): Promise<number> {
  write(report(config));
  return Promise.resolve(EXIT_DONE);
}

/** The whole report, with its last line end. */
export function report(config: GatewayConfig): string {
  const from = config.file === undefined ? "without a file" : `from ${config.file}`;
  return [
    [`sluice ${VERSION}: the configuration ${from} is valid and would run`],
    section("listen", config.listen.map((endpoint) => listenerText(endpoint.url))),
    section("workers", config.workers > 1 ? [`${config.workers} processes`] : []),
    section(
      "upstreams",
      config.upstreams.flatMap((one) => [
        ...upstreamLines(one),
        ...aggregationLines(config, one),
      ]),
    ),
    section("authentication", authenticationLines(config.auth, config.listen)),
    section("access rules", Object.keys(config.access.rules)),
    section("settings that differ from the defaults", differences(config)),
    section("warnings", config.warnings),
    section("ignored", config.notes),
    section("not available", NOT_IN_RUNTIME),
  ].flat().map((line) => `${clean(line)}\n`).join("");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

/** One line each, but with its indentation. */
function clean(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? "";
  return indent + oneLine(line.slice(indent.length));
}

function listenerText(url: URL): string {
  if (url.protocol === "stdio:") return "stdio: (MCP on stdin and stdout)";
  const free = url.port === "0" ? ", on a free port" : "";
  if (url.protocol === "http:") return `${url.origin}/mcp (Streamable HTTP)${free}`;
  return `${redactUrl(url.href)} (${streamText(url)})${free}`;
}

/** What is spoken on a byte stream. */
function streamText(url: URL): string {
  const isLength = url.searchParams.get("framing") === "length";
  const framing = isLength ? "MCP with length prefixes" : "MCP, one message a line";
  const compressed = url.searchParams.get("compress") === "auto" ? ", compressed" : "";
  const isSealed = url.protocol !== "tls:" && url.searchParams.has("key");
  const mutual = url.searchParams.has("clientCa") ? ", clients need a certificate" : "";
  return `${framing}${compressed}${isSealed ? ", sealed" : ""}${mutual}`;
}

function upstreamLines(upstream: UpstreamConfig): string[] {
  const { name, endpoints, quorum, breaker, calls } = upstream;
  const sharing = quorum ? "shared" : upstream.sharing;
  const [first, ...others] = endpoints.map(({ endpoint, priority }) => {
    const [way, ...details] = endpointLines(endpoint, sharing);
    return [priority === undefined ? way : `${way}, priority ${priority}`, ...details];
  });
  const majority = Math.floor(endpoints.length / 2) + 1;
  const usual = JSON.stringify(breaker) === JSON.stringify(DEFAULTS.breaker);
  return [
    `${name}: ${first[0]}`,
    ...first.slice(1),
    ...others.flatMap(([way, ...details]) => [`  ${quorum ? "and" : "else"} ${way}`, ...details]),
    ...quorum ? [`  answers that ${majority} of ${endpoints.length} agree on`] : [],
    ...calls === undefined
      ? []
      : [`  calls ${shown(Object.entries(calls).map((one) => one.join(" ")))}`],
    ...usual ? [] : [`  breaker ${shown(Object.entries(breaker).map((one) => one.join(" ")))}`],
  ];
}

function endpointLines({ command, headers, url }: Endpoint, sharing: Sharing): string[] {
  const one = command === undefined ? "connection" : "process";
  const each = sharing === "shared" ? `one ${one} for all clients` : `one ${one} per session`;
  const how = url.protocol === "builtin:" ? "in this process" : each;
  const target = command === undefined ? redactUrl(url.href) : commandText(command);
  return [
    `${target} (${how})`,
    ...masked("header", headers),
    ...masked("env", command?.env),
    ...command?.cwd === undefined ? [] : [`  cwd ${command.cwd}`],
  ];
}

/** How a server stands among others. */
function aggregationLines({ upstreams }: GatewayConfig, upstream: UpstreamConfig): string[] {
  const { prefix, tools, start, idleStopMs } = upstream;
  const isOneOfMany = upstreams.length > 1;
  return [
    ...isOneOfMany ? [`  tools and prompts as ${prefix}__NAME`] : [],
    ...tools.allow === undefined ? [] : [`  tools allowed: ${shown(tools.allow)}`],
    ...tools.deny === undefined ? [] : [`  tools denied: ${shown(tools.deny)}`],
    ...isOneOfMany && start === "eager" ? ["  reached when the gateway starts"] : [],
    ...isOneOfMany && idleStopMs > 0 ? [`  stopped when idle for ${idleStopMs} ms`] : [],
  ];
}

function masked(kind: string, record: Readonly<Record<string, string>> | undefined): string[] {
  return Object.keys(record ?? {}).map((name) => `  ${kind} ${name}=***`);
}

function commandText({ program, args }: Command): string {
  const shown = args.map((arg, index) => {
    if (index > 0 && SECRET_FLAG.test(args[index - 1])) return "***";
    const [flag, value] = [arg.split("=", 1)[0], arg.includes("=")];
    if (value && SECRET_FLAG.test(flag.startsWith("-") ? flag : `-${flag}`)) return `${flag}=***`;
    return /^[a-z][a-z0-9+.-]*:\/\//i.test(arg) ? redactUrl(arg) : arg;
  });
  return [program, ...shown].map((word) => /^[^\s"']+$/.test(word) ? word : JSON.stringify(word))
    .join(" ");
}

/** Groups of settings whose differences are told. */
const GROUPS = [
  ...["restarts", "healing", "degraded", "failover", "limits", "http"] as const,
  ...["rate", "deny", "suspicion", "threats", "audit", "admin", "log"] as const,
];

function differences(config: GatewayConfig): string[] {
  const lines: string[] = [];
  for (const group of GROUPS) {
    for (const [key, preset] of Object.entries(DEFAULTS[group])) {
      const value: unknown = (config[group] as Readonly<Record<string, unknown>>)[key];
      if (JSON.stringify(value) === JSON.stringify(preset)) continue;
      const told = key === "tokens" ? Object.keys(value as object) : value;
      lines.push(`${group}.${key} = ${shown(told)} (default ${shown(preset)})`);
    }
  }
  for (const [name, on] of Object.entries(config.features)) lines.push(`features.${name} = ${on}`);
  return lines;
}

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return shown(Object.entries(value).map(([key, part]) => `${key} ${shown(part)}`));
  }
  if (!Array.isArray(value)) return String(value);
  return value.length === 0 ? "none" : value.join(", ");
}
