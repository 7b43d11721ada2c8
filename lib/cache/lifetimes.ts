/**
 * How long answers are kept, and on whose word.
 *
 * @module
 */
import type { RawObject } from "../core/raw_object.ts";
import type { Warrant } from "./freshness.ts";
import type { Hints } from "./hints.ts";
import type { CachedKind, CachedRequest } from "./request_key.ts";

/** Times, ms; 0 for not at all. */
export interface LifetimeOptions {
  /** Of answers that say nothing about it, from servers that do not tell of changes. */
  readonly assumedMs: number;
  /** Of lists whose changes the server tells of. */
  readonly toldMs: number;
  /** The longest, whatever a server says. */
  readonly declaredMsMax: number;
}

/** How long one answer is kept. */
export interface Life {
  readonly lifeMs: number;
  readonly warrant: Warrant;
}

/** Which capability says that changes of a list are told. */
const CAPABILITY: Readonly<Partial<Record<CachedKind, string>>> = {
  tools: "tools",
  prompts: "prompts",
  resources: "resources",
};

/** Kept only where the server names a time: each call of these may mean something. */
const DECLARED_ONLY: ReadonlySet<CachedKind> = new Set(["prompt", "discovery"]);

/** The rules for one upstream, and what it has said of itself. */
export class Lifetimes {
  /** Whether the server has a handshake: then the bridge between the eras says `ttlMs` 0 where it says nothing. */
  isLegacy = false;
  readonly #options: LifetimeOptions;
  readonly #told = new Set<CachedKind>();

  constructor(options: LifetimeOptions) {
    this.#options = options;
  }

  /** Takes the capabilities that the server has declared. */
  learn(capabilities: RawObject): void {
    for (const [kind, name] of Object.entries(CAPABILITY)) {
      const isTold = capabilities.object(name).value("listChanged") === true;
      if (isTold) this.#told.add(kind as CachedKind);
      else this.#told.delete(kind as CachedKind);
    }
  }

  /** How long an answer may be kept. */
  of({ kind, isModern }: CachedRequest, { ttlMs, isPublic }: Hints): Life {
    const { assumedMs, toldMs, declaredMsMax } = this.#options;
    const isOfBridge = this.isLegacy && isModern && ttlMs === 0 && !isPublic;
    if (ttlMs !== undefined && !isOfBridge) {
      return { lifeMs: Math.min(ttlMs, declaredMsMax), warrant: "declared" };
    }
    if (DECLARED_ONLY.has(kind)) return { lifeMs: 0, warrant: "assumed" };
    if (this.#told.has(kind)) return { lifeMs: toldMs, warrant: "told" };
    return { lifeMs: assumedMs, warrant: "assumed" };
  }
}
