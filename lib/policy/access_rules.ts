/**
 * Who may do what. With rules, nothing is allowed that none of them allows.
 *
 * @module
 */
import { matchesGlob } from "../core/globs.ts";
import type { Identity } from "../core/identity.ts";

/** One permission: what it is for, and who has it. Everything that is left out stands for any. */
export interface AccessRule {
  /** Methods, as patterns. */
  readonly methods?: readonly string[];
  /** Names of tools as the server knows them, as patterns. */
  readonly tools?: readonly string[];
  /** Names of prompts, likewise. */
  readonly prompts?: readonly string[];
  /** URIs of resources, likewise; templates of resources as they are written. */
  readonly resources?: readonly string[];
  /** Names of servers, as patterns. */
  readonly servers?: readonly string[];
  /** Principals, as patterns; `anonymous` is who has proved nothing. */
  readonly principals?: readonly string[];
  /** Roles, one of which is needed. */
  readonly roles?: readonly string[];
  /** Scopes, all of which are needed. */
  readonly scopes?: readonly string[];
}

/** Kinds of things that have names. */
export type ItemKind = "tools" | "prompts" | "resources";

/** What somebody wants to do. */
export interface Wish {
  readonly method: string;
  /** What it is about, under the name its server knows; absent where the method is about nothing. */
  readonly item?: {
    readonly kind: ItemKind;
    readonly name: string;
    /** The server that has it; of several that might, all. */
    readonly servers: readonly string[];
  };
}

/** Allowed; or not, and with which scopes it would be. */
export type Verdict = { readonly allowed: true } | {
  readonly allowed: false;
  /** All scopes that the operation needs; none where scopes would not help. */
  readonly scopes: readonly string[];
};

/** Whatever the rules say: without these a client could not even learn what it may do. Lists are filtered. */
const FREE_METHODS: readonly string[] = [
  ...["initialize", "ping", "server/discover", "logging/setLevel", "subscriptions/listen"],
  ...["tools/list", "prompts/list", "resources/list", "resources/templates/list"],
];
const FREE_NOTIFICATIONS = /^notifications\//;

/** The rules of a configuration. */
export class AccessRules {
  readonly #rules: readonly AccessRule[];
  readonly #implied: ReadonlyMap<string, readonly string[]>;
  /** What a set of scopes comes to with all that they imply. */
  readonly #granted = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

  /** @param implied scopes that a broader one includes, by the broader one */
  constructor(
    rules: readonly AccessRule[],
    implied: Readonly<Record<string, readonly string[]>> = {},
  ) {
    this.#rules = rules;
    this.#implied = new Map(Object.entries(implied));
  }

  /** Whether an identity may do something; of several servers that might be meant, with each of them. */
  judge(identity: Identity, wish: Wish): Verdict {
    const { item } = wish;
    if (item === undefined) return this.#judgeOne(identity, wish.method);
    let verdict: Verdict | undefined;
    for (const server of item.servers.length > 0 ? item.servers : [undefined]) {
      verdict = this.#judgeOne(identity, wish.method, { ...item, server });
      if (!verdict.allowed) return verdict;
    }
    return verdict!;
  }

  #judgeOne(identity: Identity, method: string, item?: Item): Verdict {
    if (item === undefined && isFree(method)) return ALLOWED;
    const granted = this.#withImplied(identity.scopes);
    let needed: readonly string[] | undefined, missingMin = Infinity;
    for (const rule of this.#rules) {
      if (!isFor(rule, method, item) || !isOf(rule, identity)) continue;
      const { scopes = [] } = rule;
      const missing = scopes.filter((scope) => !granted.has(scope)).length;
      if (missing === 0) return ALLOWED;
      if (missing >= missingMin) continue;
      missingMin = missing;
      needed = scopes;
    }
    return { allowed: false, scopes: needed ?? [] };
  }

  #withImplied(scopes: ReadonlySet<string>): ReadonlySet<string> {
    if (this.#implied.size === 0) return scopes;
    let all = this.#granted.get(scopes);
    if (all === undefined) {
      const found = new Set(scopes); // grows while it is gone through
      for (const scope of found) for (const one of this.#implied.get(scope) ?? []) found.add(one);
      this.#granted.set(scopes, all = found);
    }
    return all;
  }
}

interface Item {
  readonly kind: ItemKind;
  readonly name: string;
  readonly server: string | undefined;
}

function isFree(method: string): boolean {
  return FREE_METHODS.includes(method) || FREE_NOTIFICATIONS.test(method);
}

function isFor(rule: AccessRule, method: string, item: Item | undefined): boolean {
  const { methods, servers } = rule;
  if (methods !== undefined && !matches(methods, method)) return false;
  if (item === undefined) {
    const isAboutItems = (rule.tools ?? rule.prompts ?? rule.resources ?? servers) !== undefined;
    return methods !== undefined || !isAboutItems;
  }
  if (servers !== undefined && (item.server === undefined || !matches(servers, item.server))) {
    return false;
  }
  const names = rule[item.kind];
  if (names !== undefined) return matches(names, item.name);
  const isAboutOthers = (rule.tools ?? rule.prompts ?? rule.resources) !== undefined;
  return !isAboutOthers;
}

function isOf({ principals, roles }: AccessRule, identity: Identity): boolean {
  if (principals !== undefined && !matches(principals, identity.principal || "anonymous")) {
    return false;
  }
  return roles === undefined || roles.some((role) => identity.roles.has(role));
}

function matches(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text));
}

const ALLOWED: Verdict = { allowed: true };
