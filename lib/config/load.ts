/**
 * From file, environment and flags to one resolved configuration: defaults < file < environment <
 * flags. Lists are replaced whole, maps are merged by name.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { checkAuth } from "./auth_config.ts";
import {
  demoEntry,
  fileEntries,
  flagEntries,
  settingsEntries,
  uniteEntries,
} from "./configured_upstreams.ts";
import { DEFAULTS, DEMO_UPSTREAM } from "./defaults.ts";
import { type ConfigDocument, readDocument } from "./document.ts";
import { fileFault, keyText, type Place } from "./fault.ts";
import type { EnvironmentSettings, PartialSettings } from "./environment.ts";
import type { ConfigFlags } from "./flags.ts";
import type { GatewayConfig } from "./gateway_config.ts";
import { resolveListeners } from "./listeners.ts";
import { guardWarnings } from "./guard_warnings.ts";
import { hasHybridTable, HYBRID_TABLE, readHybridEntries } from "./hybrid_servers.ts";
import { readServerEntries, SERVER_LISTS, type ServerEntries } from "./mcp_servers.ts";
import type { Eras, Settings, Sharing } from "./schema.ts";
import { withoutAlias } from "./servers_alias.ts";
import { serverPrefixes } from "./server_prefixes.ts";
import { resolveTracing } from "./resolve_tracing.ts";
import { resolveUpstream } from "./upstream_entry.ts";
import type { Environment } from "./variables.ts";
import { protectionWarnings } from "./protection_warnings.ts";
import { secretWarnings } from "./secret_warnings.ts";
import { warningsAbout } from "./warnings.ts";

/**
 * Reads the configuration of a run.
 *
 * @throws {ConfigError} anything wrong in file, environment or flags, with its place
 */
export async function loadConfig(
  flags: ConfigFlags,
  env: Environment = Deno.env.toObject(),
): Promise<GatewayConfig> {
  const file = flags.config ?? (env.SLUICE_CONFIG || undefined);
  return await resolveConfig(file === undefined ? undefined : await readDocument(file), flags, env);
}

/**
 * Resolves a parsed file, the environment and the flags.
 *
 * @throws {ConfigError} anything wrong in them, with its place
 */
export async function resolveConfig(
  file: ConfigDocument | undefined,
  flags: ConfigFlags,
  env: Environment,
): Promise<GatewayConfig> {
  const document = file && withoutAlias(file);
  const fromFile = await fileSettings(document);
  const fromEnv = await environmentSettings(env);
  const fromFlags = await flagSettings(flags);
  const settings = merged(fromFile, fromEnv.settings, fromFlags);
  checkDeadlines(settings, document);
  const { breaker, ...plain } = settings;
  const servers = listedServers(document);
  const found = uniteEntries([
    fileEntries(servers.entries, settingsEntries(fromFile.upstreams, document)),
    settingsEntries(fromEnv.settings.upstreams ?? {}, undefined),
    flagEntries(flags),
  ]);
  if (found.length === 0 && flags.requireUpstream === true) throw noUpstream(document);
  const listen = resolveListeners(settings.listen, listenPlaces(document, fromEnv, flags));
  checkAuth(settings.auth, listen, (path) => document?.place([...path]));
  const overrides = await upstreamOverrides(flags);
  const entries = found.length > 0 ? found : [demoEntry()];
  const prefixes = serverPrefixes(entries.map(({ name }) => name));
  const upstreams = entries.map((entry) => ({
    ...resolveUpstream(entry, env, overrides, breaker),
    prefix: prefixes.get(entry.name)!,
  }));
  const http = normalizedHttp(settings.http);
  const { tracing, warnings: tracingWarnings } = resolveTracing(
    settings.tracing,
    env,
    (name) => document?.place(["sluice", "tracing", "headers", name]),
  );
  const stray = strayKeys(document);
  const warnings = [
    ...fromEnv.warnings,
    ...tracingWarnings,
    ...stray.ours,
    ...warningsAbout({ listen, upstreams, http, auth: settings.auth }),
    ...protectionWarnings({ ...settings, listen, http }),
    ...guardWarnings({ ...settings, listen, upstreams, http }),
    ...await secretWarnings({ listen, upstreams }, document),
  ];
  if (found.length === 0 && document !== undefined) {
    warnings.push(`${document.file} names no server; ${DEMO_UPSTREAM.url} answers`);
  }
  return deepFreeze({
    ...plain,
    ...{ listen, upstreams, http, tracing },
    file: document?.file,
    warnings,
    notes: [...servers.notes, ...stray.others],
  });
}

/** Everything outside `sluice` that names servers. */
function listedServers(document: ConfigDocument | undefined): ServerEntries {
  if (document === undefined) return { entries: [], notes: [] };
  const lists = readServerEntries(document), hybrid = readHybridEntries(document);
  return {
    entries: [...lists.entries, ...hybrid.entries],
    notes: [...lists.notes, ...hybrid.notes],
  };
}

async function fileSettings(document: ConfigDocument | undefined): Promise<Settings> {
  if (document === undefined || !Object.hasOwn(document.value, "sluice")) {
    return structuredClone(DEFAULTS) as unknown as Settings;
  }
  const { validateSettings } = await import("./validate.ts");
  return validateSettings(document.value.sluice, (path) => document.place(path.map(String)));
}

async function environmentSettings(env: Environment): Promise<EnvironmentSettings> {
  const isOurs = (name: string) => name.startsWith("SLUICE_") && name !== "SLUICE_CONFIG";
  if (!Object.keys(env).some(isOurs)) return { settings: {}, warnings: [] };
  const { readEnvironment } = await import("./environment.ts");
  return readEnvironment(env);
}

/** What flags say of every upstream. */
async function upstreamOverrides(flags: ConfigFlags): Promise<{ sharing?: Sharing; era?: Eras }> {
  const sharing = flags.shared === true ? "shared" : undefined;
  if (flags.upstreamEra === undefined) return { sharing };
  const { validateSetting } = await import("./validate.ts");
  const path = ["protocol", "era"];
  const what = "Cannot read command line";
  const era = validateSetting(path, flags.upstreamEra, what, "--upstream-era") as Eras;
  return { sharing, era };
}

async function flagSettings(flags: ConfigFlags): Promise<PartialSettings> {
  const settings: PartialSettings = {};
  if (flags.listen !== undefined) settings.listen = [...flags.listen];
  if (flags.shm !== undefined) settings.shm = { path: flags.shm };
  const { logLevel, logFormat, era, workers } = flags;
  if ((logLevel ?? logFormat ?? era ?? workers) === undefined) return settings;
  const { validateSetting } = await import("./validate.ts");
  const log: Record<string, unknown> = {};
  const what = "Cannot read command line";
  if (logLevel !== undefined) {
    log.level = validateSetting(["log", "level"], logLevel, what, "--log-level");
  }
  if (logFormat !== undefined) {
    log.format = validateSetting(["log", "format"], logFormat, what, "--log-format");
  }
  if (era !== undefined) {
    settings.protocol = {
      era: validateSetting(["protocol", "era"], era, what, "--era") as Eras,
    };
  }
  if (workers !== undefined) {
    const count = /^\d{1,9}$/.test(workers) ? Number(workers) : workers;
    settings.workers = validateSetting(["workers"], count, what, "--workers") as number;
  }
  return { ...settings, log: log as Settings["log"] };
}

function merged(base: Settings, ...layers: readonly PartialSettings[]): Settings {
  const result: Record<string, unknown> = { ...base };
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      result[key] = Array.isArray(value) || typeof value !== "object"
        ? value
        : { ...result[key] as Record<string, unknown>, ...value as Record<string, unknown> };
    }
  }
  return result as Settings;
}

function checkDeadlines(settings: Settings, document: ConfigDocument | undefined): void {
  const { callDeadlineMs, callDeadlineHardMs } = settings.limits;
  if (callDeadlineMs <= callDeadlineHardMs) return;
  throw fileFault(
    `limits.callDeadlineMs (${callDeadlineMs}) is longer than limits.callDeadlineHardMs ` +
      `(${callDeadlineHardMs})`,
    "raise the hard deadline too",
    document?.place(["sluice", "limits", "callDeadlineMs"]),
  );
}

function listenPlaces(
  document: ConfigDocument | undefined,
  fromEnv: EnvironmentSettings,
  flags: ConfigFlags,
): (index: number) => Place {
  if (flags.listen !== undefined) return () => "--listen";
  if (fromEnv.settings.listen !== undefined) return () => "SLUICE_LISTEN";
  return (index) => document?.place(["sluice", "listen", index]);
}

function normalizedHttp(http: Settings["http"]): Settings["http"] {
  return {
    ...http,
    allowedHosts: http.allowedHosts.map((host) => host.toLowerCase()),
    allowedOrigins: http.allowedOrigins.map(asBrowsersWrite),
  };
}

/** Drops a default port; origins of extensions (`vscode-webview://...`) have none to drop. */
function asBrowsersWrite(origin: string): string {
  const parsed = URL.canParse(origin) ? new URL(origin).origin : "null";
  return parsed === "null" ? origin.toLowerCase() : parsed;
}

/** Settings that stand beside `sluice` instead of under it would be lost without a word. */
function strayKeys(document: ConfigDocument | undefined): { ours: string[]; others: string[] } {
  const known: readonly string[] = [...SERVER_LISTS, "sluice", "$schema"];
  const isOfClaudeFlow = document !== undefined && hasHybridTable(document); // it has a table `cache`, too
  const stray = Object.keys(document?.value ?? {}).filter((key) =>
    !known.includes(key) && !(key === HYBRID_TABLE && isOfClaudeFlow)
  );
  const told = (key: string, hint: string) =>
    `${keyText([key])} is ignored${hint} (${document?.place([key])})`;
  const isOurs = (key: string) => !isOfClaudeFlow && Object.hasOwn(DEFAULTS, key);
  return {
    ours: stray.filter(isOurs).map((key) => told(key, "; settings stand under sluice")),
    others: stray.filter((key) => !isOurs(key)).map((key) => told(key, "")),
  };
}

function noUpstream(document: ConfigDocument | undefined): ConfigError {
  const why = document === undefined ? "no upstream is named" : `${document.file} names no server`;
  return new ConfigError(`Cannot proxy: ${why}`, "give a URL, or a command after --");
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof URL) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
