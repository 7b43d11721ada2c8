/**
 * Which servers what clients see came from: for rules that name servers and a server's own names.
 *
 * @module
 */
import { partsOf } from "./names.ts";

/** Where something came from. */
export interface Origin {
  /** The server's own name for it. */
  readonly name: string;
  /** Of several servers that have shown it, all. */
  readonly servers: readonly string[];
}

/** What has been listed is remembered for so many names and URIs. */
const KNOWN_MAX = 50_000;

/** Learns from the lists that are given out. */
export class Origins {
  readonly #prefixes: () => ReadonlyMap<string, string>;
  readonly #schemes: () => ReadonlyMap<string, string>;
  /** Servers' own names by exposed names that do not tell them. */
  readonly #names = new Map<string, string>();
  readonly #servers = new Map<string, readonly string[]>();

  /**
   * @param prefixes servers by the prefix of their names
   * @param schemes servers by what stands before `+` in URIs that another one has too
   */
  constructor(
    prefixes: () => ReadonlyMap<string, string>,
    schemes: () => ReadonlyMap<string, string>,
  ) {
    this.#prefixes = prefixes;
    this.#schemes = schemes;
  }

  /** A tool or prompt is shown. */
  noteNamed(exposed: string, name: string): void {
    if (partsOf(exposed)?.name === undefined) remember(this.#names, exposed, name);
  }

  /** A resource or template of a server is shown under its own URI. */
  noteResource(uri: string, server: string): void {
    const before = this.#servers.get(uri) ?? [];
    if (!before.includes(server)) remember(this.#servers, uri, [...before, server]);
  }

  /** Where a tool or prompt came from. */
  named(exposed: string): Origin | undefined {
    const parts = partsOf(exposed);
    const server = parts && this.#prefixes().get(parts.prefix);
    const name = parts?.name ?? this.#names.get(exposed);
    return server === undefined || name === undefined ? undefined : { name, servers: [server] };
  }

  /** Where a resource or template came from. */
  resource(uri: string): Origin | undefined {
    const servers = this.#servers.get(uri);
    if (servers !== undefined) return { name: uri, servers };
    const plus = uri.indexOf("+");
    const server = plus < 0 ? undefined : this.#schemes().get(uri.slice(0, plus));
    return server === undefined ? undefined : { name: uri.slice(plus + 1), servers: [server] };
  }
}

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  known.delete(key);
  if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
  known.set(key, value);
}
