/**
 * Settings from `SLUICE_*` variables.
 *
 * @module
 */
import { listSettings, type Setting } from "./describe.ts";
import { configFault } from "./fault.ts";
import type { Settings } from "./schema.ts";
import { nearest } from "./suggest.ts";
import { validateSetting } from "./validate.ts";
import type { Environment } from "./variables.ts";

/** Names the configuration file, like `--config`. */
export const CONFIG_VARIABLE = "SLUICE_CONFIG";

/** Keys under `sluice` that hold settings of their own. */
type SettingGroup = Exclude<keyof Settings, "listen" | "upstreams" | "features">;

/** Settings that were given; groups hold only what was given. */
export type PartialSettings =
  & Partial<Pick<Settings, "listen" | "upstreams" | "features">>
  & { [Group in SettingGroup]?: Partial<Settings[Group]> };

/** What the environment says. */
export interface EnvironmentSettings {
  readonly settings: PartialSettings;
  readonly warnings: readonly string[];
}

const PREFIX = "SLUICE_";
/** For commands; what they hold is no setting. */
const OF_COMMANDS = new Set([CONFIG_VARIABLE, "SLUICE_ADMIN_TOKEN"]);
/** Said to the project's own tests and their runner, which start gateways with their environment. */
const OF_TESTS = /^SLUICE_(TEST|CI)_/;
const WHAT = "Cannot read environment";

/**
 * Reads every `SLUICE_*` variable. Lists are separated by commas or white space, maps are lists of
 * `NAME=VALUE`. An empty variable counts as not set; an unknown one is warned about.
 *
 * @throws {ConfigError} a value that its setting does not take
 */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const known = new Map(
    listSettings().flatMap((setting) => setting.env === undefined ? [] : [[setting.env, setting]]),
  );
  const words = [...known.keys(), CONFIG_VARIABLE].map((name) => name.slice(PREFIX.length));
  const settings: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || OF_COMMANDS.has(name) || !text) continue;
    if (OF_TESTS.test(name)) continue;
    const setting = known.get(name);
    if (setting === undefined) {
      const near = nearest(name.slice(PREFIX.length), words);
      const hint = near === undefined ? "" : `; did you mean ${PREFIX}${near}`;
      warnings.push(`the variable ${name} is not a setting and is ignored${hint}`);
      continue;
    }
    const value = validateSetting(setting.path, parse(setting, name, text.trim()), WHAT, name);
    let group = settings;
    for (const key of setting.path.slice(0, -1)) {
      group = (group[key] ??= {}) as Record<string, unknown>;
    }
    group[setting.path[setting.path.length - 1]] = value;
  }
  return { settings: settings as PartialSettings, warnings };
}

function parse(setting: Setting, name: string, text: string): unknown {
  switch (setting.kind) {
    case "number":
      return /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : text;
    case "flag":
      return truth(text);
    case "list":
      return text.split(/[\s,]+/).filter((item) => item !== "");
    case "map":
      return Object.fromEntries(
        text.split(/[\s,]+/).filter((item) => item !== "").map((item) => pair(setting, name, item)),
      );
    default:
      return text;
  }
}

function pair(setting: Setting, name: string, item: string): [string, unknown] {
  const match = /^([A-Za-z0-9_.-]{1,64})=(.+)$/.exec(item);
  if (match === null) throw configFault(WHAT, `${name} is not a list of NAME=VALUE`, "correct it");
  const [, key, value] = match;
  return [key, setting.path[0] === "upstreams" ? { url: value } : share(setting, value)];
}

/** Shares of clients are numbers; 0 and 1 mean false and true, as everywhere. */
function share(setting: Setting, text: string): unknown {
  const isShare = setting.path[0] === "features" && /^\d{1,3}(\.\d{1,6})?$/.test(text);
  return isShare && !/^[01]$/.test(text) ? Number(text) : truth(text);
}

function truth(text: string): unknown {
  if (text === "true" || text === "1") return true;
  return text === "false" || text === "0" ? false : text;
}
