/**
 * The servers that file, environment and flags name, as one list.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { DEMO_UPSTREAM } from "./defaults.ts";
import type { ConfigDocument } from "./document.ts";
import { splitNamed } from "./endpoints.ts";
import { keyText } from "./fault.ts";
import type { ConfigFlags } from "./flags.ts";
import type { Settings } from "./schema.ts";
import type { UpstreamEntry } from "./upstream_entry.ts";

/** Name of the upstream that the command line gives without a name. */
export const UNNAMED_UPSTREAM = "upstream";

/** Names shown in a message. */
const NAMES_SHOWN_MAX = 8;

/** The entries of `sluice.upstreams` of a file, or of the variable when there is no document. */
export function settingsEntries(
  upstreams: Settings["upstreams"],
  document: ConfigDocument | undefined,
): UpstreamEntry[] {
  return Object.entries(upstreams).map(([name, settings]) => {
    if (document === undefined) return { ...settings, name, place: () => "SLUICE_UPSTREAMS" };
    const path = ["sluice", "upstreams", name];
    return { ...settings, name, path, place: (key) => document.place([...path, ...key]) };
  });
}

/**
 * The entries of the command line.
 *
 * @throws {ConfigError} an `--upstream` that is not `NAME=URL`
 */
export function flagEntries(flags: ConfigFlags): UpstreamEntry[] {
  const entries: UpstreamEntry[] = (flags.upstream ?? []).map((text) => ({
    ...splitNamed(text, "--upstream"),
    place: () => "--upstream",
  }));
  if (flags.url !== undefined) {
    entries.push({ name: UNNAMED_UPSTREAM, url: flags.url, place: () => undefined });
  }
  if (flags.command !== undefined) {
    const [command, ...args] = flags.command;
    entries.push({ name: UNNAMED_UPSTREAM, command, args, place: () => undefined });
  }
  return entries;
}

/** The server that answers when none is configured. */
export function demoEntry(): UpstreamEntry {
  return { ...DEMO_UPSTREAM, place: () => undefined };
}

/**
 * One list of entries, later sources over earlier ones by name.
 *
 * @param sources file, environment, flags
 * @throws {ConfigError} a name twice in one source, or more than one upstream
 */
export function uniteEntries(sources: readonly (readonly UpstreamEntry[])[]): UpstreamEntry[] {
  const all = new Map<string, UpstreamEntry>();
  for (const entries of sources) {
    const here = new Map<string, UpstreamEntry>();
    for (const entry of entries) {
      const other = here.get(entry.name);
      if (other !== undefined) throw namedTwice(other, entry);
      here.set(entry.name, entry);
      all.set(entry.name, entry);
    }
  }
  if (all.size > 1) {
    const names = [...all.keys()].slice(0, NAMES_SHOWN_MAX).map((name) => keyText([name]));
    if (all.size > NAMES_SHOWN_MAX) names.push("...");
    throw new ConfigError(
      `Cannot serve ${all.size} upstreams: aggregation comes with a later version`,
      `keep one of ${names.join(", ")}`,
    );
  }
  return [...all.values()];
}

function namedTwice(first: UpstreamEntry, second: UpstreamEntry): ConfigError {
  const places = [...new Set([first.place([]), second.place([])])].filter((at) => at !== undefined);
  return new ConfigError(
    `Cannot read config: the upstream ${keyText([first.name])} is named twice`,
    `rename one${places.length > 0 ? ` (${places.join(" and ")})` : ""}`,
  );
}
