/**
 * What is different between two configurations, and what of it can be applied while the gateway runs.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import { isLiveGuard, liveGuards } from "./auth_config.ts";
import { redactUrl } from "./endpoints.ts";
import type { GatewayConfig } from "./gateway_config.ts";

/** See the module. Names are those of upstreams; settings are key paths under `sluice`. */
export interface ConfigDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Addresses to listen on from now on. */
  readonly opened: readonly Endpoint[];
  /** Addresses to leave. */
  readonly closed: readonly Endpoint[];
  /** Settings that can be applied at once. */
  readonly applied: readonly string[];
  /** Settings that need a restart. */
  readonly restart: readonly string[];
}

/** Settings that take effect while the gateway runs. */
const LIVE: ReadonlySet<string> = new Set([
  "log.level",
  "limits.jsonDepth",
  "limits.connections",
  "limits.connectionsPerAddress",
  "limits.sessions",
  "limits.sessionsPerPrincipal",
  "limits.sessionIdleMs",
  "limits.drainMs",
]);

/** Groups of settings that take effect so as a whole. */
const LIVE_GROUPS: ReadonlySet<string> = new Set([
  ...["rate", "deny", "suspicion", "threats"],
  "features",
]);

/** Keys of a configuration that are no settings. */
const OTHER_KEYS: ReadonlySet<string> = new Set([
  "upstreams",
  "listen",
  "file",
  "warnings",
  "notes",
]);

/** Compares what runs with what is wanted. */
export function configDifference(running: GatewayConfig, wanted: GatewayConfig): ConfigDifference {
  const before = new Map(running.upstreams.map((upstream) => [upstream.name, upstream]));
  const names = new Set(wanted.upstreams.map(({ name }) => name));
  const settings = differingSettings(running, wanted);
  const listeners = listenerDifference(running.listen, wanted.listen);
  return {
    added: [...names].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !names.has(name)),
    changed: wanted.upstreams
      .filter((one) => before.has(one.name) && !isSame(before.get(one.name), one))
      .map(({ name }) => name),
    ...listeners,
    applied: settings.filter((path) => isLive(path, running, wanted)),
    restart: [
      ...listeners.restart,
      ...settings.filter((path) => !isLive(path, running, wanted)),
    ],
  };
}

function isLive(path: string, running: GatewayConfig, wanted: GatewayConfig): boolean {
  if (path.startsWith("admin.")) return path !== "admin.listen";
  return LIVE.has(path) || path.startsWith("log.levels") || isLiveGuard(path, running, wanted) ||
    LIVE_GROUPS.has(path.split(".", 1)[0]);
}

/** Whether there is nothing to do, and nothing to tell. */
export function isEmpty(difference: ConfigDifference): boolean {
  return Object.values(difference).every((part: readonly unknown[]) => part.length === 0);
}

/** What will run: what is wanted, except for what needs a restart. */
export function appliedConfig(
  running: GatewayConfig,
  wanted: GatewayConfig,
  { opened, closed }: ConfigDifference,
): GatewayConfig {
  const { upstreams, file, warnings, notes, limits, log } = wanted;
  const { rate, deny, suspicion, threats } = wanted;
  const { jsonDepth, connections, connectionsPerAddress, drainMs } = limits;
  const { sessions, sessionsPerPrincipal, sessionIdleMs } = limits;
  const live = {
    ...{ jsonDepth, connections, connectionsPerAddress, drainMs },
    ...{ sessions, sessionsPerPrincipal, sessionIdleMs },
  };
  const kept = running.listen.filter((endpoint) => !closed.includes(endpoint));
  return Object.freeze({
    ...running,
    listen: Object.freeze([...kept, ...opened]),
    upstreams,
    limits: Object.freeze({ ...running.limits, ...live }),
    log: Object.freeze({ ...running.log, level: log.level, levels: log.levels }),
    ...{ rate, deny, suspicion, threats },
    ...{ admin: Object.freeze({ ...wanted.admin, listen: running.admin.listen }) },
    ...{ features: wanted.features },
    ...liveGuards(running, wanted),
    ...{ file, warnings, notes },
  });
}

/** Whether two values of a configuration mean the same. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof URL || b instanceof URL) {
    return a instanceof URL && b instanceof URL && a.href === b.href;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>, right = b as Record<string, unknown>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]); // a key left out is `undefined`
  return [...keys].every((key) => isSame(left[key], right[key]));
}

function differingSettings(running: GatewayConfig, wanted: GatewayConfig): string[] {
  const found: string[] = [];
  const compare = (a: unknown, b: unknown, path: string): void => {
    if (isSame(a, b)) return;
    if (!isMap(a) || !isMap(b)) return void found.push(path);
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(a[key], b[key], `${path}.${key}`);
    }
  };
  for (const key of Object.keys(wanted) as (keyof GatewayConfig)[]) {
    if (!OTHER_KEYS.has(key)) compare(running[key], wanted[key], key);
  }
  return found;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An address that stays, but is listened on in another way, cannot change hands without being left first. */
function listenerDifference(running: readonly Endpoint[], wanted: readonly Endpoint[]) {
  const isIn = (list: readonly Endpoint[]) => ({ url }: Endpoint) =>
    list.some((other) => other.url.href === url.href);
  const opened = wanted.filter((endpoint) => !isIn(running)(endpoint));
  const closed = running.filter((endpoint) => !isIn(wanted)(endpoint));
  const isStuck = (others: readonly Endpoint[]) => ({ url }: Endpoint) =>
    url.protocol === "stdio:" || others.some((other) => placeOf(other.url) === placeOf(url));
  const stuck = opened.filter(isStuck(closed));
  return {
    opened: opened.filter((endpoint) => !stuck.includes(endpoint)),
    closed: closed.filter((endpoint) => !isStuck(stuck)(endpoint)),
    restart: [...stuck, ...closed.filter(({ url }) => url.protocol === "stdio:")]
      .map(({ url }) => `listen ${redactUrl(url.href)}`),
  };
}

/** What can be bound only once. */
function placeOf({ protocol, port, pathname }: URL): string {
  if (protocol === "unix:") return pathname;
  return port || (protocol === "https:" ? "443" : "80");
}
