/**
 * Which server a name or URI belongs to, as far as that can be told.
 *
 * @module
 */
import { isAllowed } from "../core/globs.ts";
import type { Lineup } from "./lineup.ts";
import type { ListParts } from "./listing.ts";
import type { ListMethod, ListPart } from "./lists.ts";
import type { Member } from "./member.ts";
import { exposedPart } from "./merged_list.ts";
import { partsOf } from "./names.ts";

/** A server, and its own name or URI for something. */
export interface Route {
  readonly member: Member;
  readonly key: string;
}

/** Reads routes out of what one client's servers list. */
export class RouteTable {
  readonly #lineup: () => Lineup;
  readonly #known: (method: ListMethod) => ListParts;

  /**
   * @param lineup the servers there are now
   * @param known what is known of a list, one part for each server
   */
  constructor(lineup: () => Lineup, known: (method: ListMethod) => ListParts) {
    this.#lineup = lineup;
    this.#known = known;
  }

  /**
   * Whose tool or prompt a name is: most names tell it themselves.
   *
   * @returns `undefined` when no server can have it, `unlisted` when a list might tell
   */
  named(method: "tools/list" | "prompts/list", name: string): Route | "unlisted" | undefined {
    const parts = partsOf(name);
    const member = this.#lineup().members.find(({ prefix }) => prefix === parts?.prefix);
    if (parts === undefined || member === undefined) return undefined;
    if (parts.name !== undefined) {
      const exists = method !== "tools/list" || isAllowed(member.tools, parts.name);
      return exists ? { member, key: parts.name } : undefined;
    }
    const part = this.#known(method).get(member);
    const key = part && exposedPart(part, member, method).names.get(name);
    return key === undefined ? "unlisted" : { member, key };
  }

  /** Whose resource a URI is: listed as it is, then under a server's scheme, then of a template. */
  resource(uri: string): Route | undefined {
    return this.#listed("resources/list", uri) ?? this.#listed("resources/templates/list", uri) ??
      this.#underScheme(uri) ?? this.#ofTemplate(uri);
  }

  /** The URI under which clients know a server's resource. */
  exposedUri(member: Member, uri: string): string {
    const scheme = this.#lineup().schemeOf(member);
    if (scheme === undefined) return uri;
    for (const [other, part] of this.#known("resources/list")) {
      if (other === member) break;
      if (holds(part, uri)) return `${scheme}+${uri}`;
    }
    return uri;
  }

  #listed(method: ListMethod, uri: string): Route | undefined {
    for (const [member, part] of this.#known(method)) {
      if (holds(part, uri)) return { member, key: uri };
    }
    return undefined;
  }

  #underScheme(uri: string): Route | undefined {
    const lineup = this.#lineup();
    for (const member of lineup.members) {
      const beginning = `${lineup.schemeOf(member)}+`;
      if (uri.startsWith(beginning)) return { member, key: uri.slice(beginning.length) };
    }
    return undefined;
  }

  /** The longest literal beginning of a template decides. */
  #ofTemplate(uri: string): Route | undefined {
    let found: Route | undefined, longest = 0;
    this.#known("resources/templates/list").forEach((part, member) => {
      for (const { key } of part?.items ?? []) {
        const brace = key.indexOf("{");
        const literal = brace < 0 ? key : key.slice(0, brace);
        if (literal.length <= longest || !uri.startsWith(literal)) continue;
        longest = literal.length;
        found = { member, key: uri };
      }
    });
    return found;
  }
}

const keySets = new WeakMap<ListPart, Set<string>>();

/** Whether a list has an item with this URI or template. */
function holds(part: ListPart | undefined, key: string): boolean {
  if (part === undefined) return false;
  let keys = keySets.get(part);
  if (keys === undefined) keySets.set(part, keys = new Set(part.items.map((item) => item.key)));
  return keys.has(key);
}
