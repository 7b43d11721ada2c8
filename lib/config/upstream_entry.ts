/**
 * One configured server, whatever spelling it was configured in, and its way to an upstream.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import type { KeyPath } from "./document_lines.ts";
import { commandEndpoint, parseUpstreamUrl } from "./endpoints.ts";
import { configFault, keyText, type Place } from "./fault.ts";
import type { Start } from "./aggregation_schema.ts";
import type {
  BreakerConfig,
  CallsConfig,
  EndpointConfig,
  ToolsConfig,
  UpstreamConfig,
} from "./gateway_config.ts";
import { DEFAULTS } from "./defaults.ts";
import type { UpstreamAuth } from "./oauth_schema.ts";
import type { PoolSettings } from "./pool_schema.ts";
import { resolveAuth } from "./resolve_auth.ts";
import type { Eras, Sharing } from "./schema.ts";
import { type Environment, expandVariables } from "./variables.ts";

/** A server as configured: `url` or `command` is set, and what belongs to it. */
export interface UpstreamEntry extends EndpointEntry {
  readonly name: string;
  /** Several ways to it, instead of `url` or `command`. */
  readonly endpoints?: readonly EndpointEntry[];
  readonly quorum?: boolean;
  readonly breaker?: Partial<BreakerConfig>;
  readonly calls?: CallsConfig;
  readonly hedgeMs?: number;
  readonly sharing?: Sharing;
  readonly era?: Eras;
  readonly pool?: PoolSettings;
  readonly auth?: UpstreamAuth;
  readonly tools?: ToolsConfig;
  readonly start?: Start;
  readonly idleStopMs?: number;
  place(path: KeyPath): Place;
}

/** One way to a server as configured. */
export interface EndpointEntry {
  readonly url?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly priority?: number;
  /** Written before the URL once it is expanded: `sse+`. */
  readonly schemePrefix?: string;
  /** Where it stands in the file; entries of flags and variables have none, and are not expanded. */
  readonly path?: KeyPath;
  /** Where a key of it stands, for messages; one of several ways may leave that to the whole. */
  place?(path: KeyPath): Place;
}

/** Headers that belong to the connection: a configured one would break the framing or the routing. */
const HEADERS_RESERVED = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Expands the variables of an entry and checks what it holds.
 *
 * @throws {ConfigError} an unset variable, an URL that cannot be used, a bad header or variable name
 */
export function resolveUpstream(
  entry: UpstreamEntry,
  env: Environment,
  flags: { readonly sharing?: Sharing; readonly era?: Eras },
  breaker: BreakerConfig = DEFAULTS.breaker,
): Omit<UpstreamConfig, "prefix"> {
  // deno-lint-ignore no-control-regex -- names stand in log lines and in names of tools
  if (!/^[^\x00-\x1f\x7f]{1,128}$/.test(entry.name)) {
    throw configFault(
      "Cannot read config",
      "the name of an upstream is empty, longer than 128 characters or holds control characters",
      "rename it",
      entry.place([]),
    );
  }
  const endpoints = resolveEndpoints(entry, env);
  return {
    name: entry.name,
    endpoint: endpoints[0].endpoint,
    endpoints,
    quorum: entry.quorum ?? false,
    breaker: { ...breaker, ...entry.breaker },
    calls: entry.calls,
    hedgeMs: entry.hedgeMs,
    sharing: flags.sharing ?? entry.sharing ?? "perSession",
    era: flags.era ?? entry.era ?? "auto",
    auth: resolveAuth(entry, env, endpoints),
    pool: entry.pool && { ...entry.pool, callsPerMember: entry.pool.callsPerMember ?? Infinity },
    tools: entry.tools ?? {},
    start: entry.start ?? "lazy",
    idleStopMs: entry.idleStopMs ?? 0,
  };
}

function resolveEndpoints(entry: UpstreamEntry, env: Environment): EndpointConfig[] {
  const { name, path, endpoints } = entry;
  if (endpoints === undefined) {
    return [{ endpoint: new EntryResolver(entry, env).endpoint(), priority: undefined }];
  }
  return endpoints.map((one, index) => {
    const at = ["endpoints", index];
    const place = (key: KeyPath) => entry.place([...at, ...key]);
    const whole = { path: path && [...path, ...at], place, ...one, name };
    const endpoint = new EntryResolver(whole, env).endpoint();
    if (endpoint.url.href === "builtin:echo") {
      throw configFault(
        "Cannot use upstream builtin:echo",
        "it is no connection, and cannot be one of several endpoints",
        "leave it out",
        whole.place(["url"]),
      );
    }
    return { endpoint, priority: one.priority };
  });
}

class EntryResolver {
  readonly #entry: UpstreamEntry;
  readonly #env: Environment;

  constructor(entry: UpstreamEntry, env: Environment) {
    this.#entry = entry;
    this.#env = env;
  }

  endpoint(): Endpoint {
    const { url, command, args, env, cwd, headers, schemePrefix = "" } = this.#entry;
    if (url !== undefined) {
      const place = this.#entry.place(["url"]);
      const expanded = schemePrefix + this.#text(url, "url");
      const checked = headers && this.#record(headers, "headers");
      for (const [name, value] of Object.entries(checked ?? {})) this.#checkHeader(name, value);
      return parseUpstreamUrl(expanded, checked, place);
    }
    const program = this.#text(command ?? "", "command");
    if (program === "") this.#fail(["command"], "is empty", "name the program to start");
    const variables = env && this.#record(env, "env");
    for (const name of Object.keys(variables ?? {})) {
      if (name === "" || /[=\0]/.test(name)) {
        this.#fail(["env", name], "is not the name of a variable", "rename it");
      }
    }
    return commandEndpoint({
      program,
      args: (args ?? []).map((arg, index) => this.#text(arg, "args", index)),
      ...(variables && { env: variables }),
      ...(cwd !== undefined && { cwd: this.#text(cwd, "cwd") }),
    });
  }

  #text(text: string, ...path: (string | number)[]): string {
    const { path: root } = this.#entry;
    const expanded = root === undefined
      ? text
      : expandVariables(text, this.#env, keyText([...root, ...path]), this.#entry.place(path));
    if (expanded.includes("\0")) this.#fail(path, "holds a NUL character", "remove it");
    return expanded;
  }

  #record(record: Readonly<Record<string, string>>, key: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(record).map(([name, value]) => [name, this.#text(value, key, name)]),
    );
  }

  #checkHeader(name: string, value: string): void {
    const path = ["headers", name];
    if (!/^[!#$%&'*+.^_`|~A-Za-z0-9-]+$/.test(name)) {
      this.#fail(path, "is not the name of a header", "rename it");
    }
    if (HEADERS_RESERVED.has(name.toLowerCase())) {
      this.#fail(path, "belongs to the connection, not to the configuration", "remove it");
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      this.#fail(
        path,
        "holds characters that a header cannot carry",
        "remove line ends and symbols",
      );
    }
  }

  #fail(path: KeyPath, why: string, advice: string): never {
    const key = keyText([...(this.#entry.path ?? [this.#entry.name]), ...path]);
    throw configFault("Cannot read config", `${key} ${why}`, advice, this.#entry.place(path));
  }
}
