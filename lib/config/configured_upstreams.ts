/**
 * The servers that file, environment and flags name, as one list.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { DEMO_UPSTREAM } from "./defaults.ts";
import type { ConfigDocument } from "./document.ts";
import { splitNamed } from "./endpoints.ts";
import { configFault, keyText } from "./fault.ts";
import type { ConfigFlags } from "./flags.ts";
import type { Settings } from "./schema.ts";
import type { EndpointEntry, UpstreamEntry } from "./upstream_entry.ts";

/** Name of the upstream that the command line gives without a name. */
export const UNNAMED_UPSTREAM = "upstream";

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
  const endpoints: EndpointEntry[] = (flags.urls ?? []).map((url) => ({ url }));
  if (flags.command !== undefined) {
    const [command, ...args] = flags.command;
    endpoints.push({ command, args });
  }
  const [first, ...others] = endpoints;
  if (first === undefined) return entries;
  const ways = others.length === 0 ? first : { endpoints };
  return [...entries, { name: UNNAMED_UPSTREAM, ...ways, place: () => undefined }];
}

/** The server that answers when none is configured. */
export function demoEntry(): UpstreamEntry {
  return { ...DEMO_UPSTREAM, place: () => undefined };
}

/**
 * One list of entries, later sources over earlier ones by name.
 *
 * @param sources file, environment, flags
 * @throws {ConfigError} a name twice in one source
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
  return [...all.values()];
}

/**
 * The entries of a file: those of its server lists, and those under `sluice.upstreams`. One of the latter
 * that has no way to a server says more about the server of its name in the lists.
 *
 * @throws {ConfigError} when there is no such server
 */
export function fileEntries(
  servers: readonly UpstreamEntry[],
  settings: readonly UpstreamEntry[],
): UpstreamEntry[] {
  const more = new Map(settings.filter(isBare).map((entry) => [entry.name, entry]));
  const listed = servers.map((server) => {
    const bare = more.get(server.name);
    if (bare === undefined) return server;
    more.delete(server.name);
    return { ...bare, ...server };
  });
  for (const bare of more.values()) {
    throw configFault(
      "Cannot read config",
      `${keyText(bare.path ?? [bare.name])} has neither url nor command`,
      "give one of them",
      bare.place([]),
    );
  }
  return [...listed, ...settings.filter((entry) => !isBare(entry))];
}

function isBare({ url, command, endpoints }: UpstreamEntry): boolean {
  return (url ?? command ?? endpoints) === undefined;
}

function namedTwice(first: UpstreamEntry, second: UpstreamEntry): ConfigError {
  const places = [...new Set([first.place([]), second.place([])])].filter((at) => at !== undefined);
  return new ConfigError(
    `Cannot read config: the upstream ${keyText([first.name])} is named twice`,
    `rename one${places.length > 0 ? ` (${places.join(" and ")})` : ""}`,
  );
}
