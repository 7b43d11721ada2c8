/**
 * Answers what was asked before without asking again: a layer around one upstream. First tier is the memory of this
 * process, second whatever shares answers with it (an export by shared memory), third the upstream itself.
 *
 * Source: MCP specification, server/utilities/caching, 2026-07-28; docs/caching.md.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { type Audience, Flight } from "./flight.ts";
import { Freshness } from "./freshness.ts";
import { HeardCall } from "./heard_call.ts";
import { hintsOf } from "./hints.ts";
import { KeptAnswer } from "./kept_answer.ts";
import { type LifetimeOptions, Lifetimes } from "./lifetimes.ts";
import type { MemoryCache } from "./memory_cache.ts";
import { type CachedKind, type CachedRequest, kindOf, RequestKeys } from "./request_key.ts";
import { EVERYBODY, type ScopeRules, Scopes } from "./scope.ts";
import type { SharedTier } from "./shared_tier.ts";
import { ToolEffects } from "./tool_effects.ts";

/** Where an answer came from, or was looked for: memory, shared, or the upstream. */
export type Tier = "l1" | "l2" | "l3";

/**
 * How that ended: `hit` and `miss`; of the upstream `kept`, `passed` (its answer is not one to keep) and `joined`
 * (somebody had asked already).
 */
export type CacheOutcome = "hit" | "miss" | "kept" | "passed" | "joined";

/** What a cache is made of. */
export interface ResponseCacheOptions extends ScopeRules, LifetimeOptions {
  /** The upstream's; begins the keys. */
  readonly name: string;
  /** Of the whole gateway. */
  readonly memory: MemoryCache;
  readonly shared?: SharedTier;
  /** Counts. */
  readonly count: (tier: Tier, outcome: CacheOutcome) => void;
  /** Whether answers are taken from here now. */
  readonly isOn?: (call: Call) => boolean;
  /** Told when something has, or may have, changed. */
  readonly onChange?: (kinds: readonly CachedKind[]) => void;
}

/** See the module. */
export class ResponseCache {
  readonly #options: ResponseCacheOptions;
  readonly #memory: MemoryCache;
  readonly #keys: RequestKeys;
  readonly #scopes: Scopes;
  readonly #lifetimes: Lifetimes;
  readonly #freshness = new Freshness();
  readonly #effects = new ToolEffects();
  readonly #flights = new Map<string, OpenFlight>();
  #flown = 0;

  constructor(options: ResponseCacheOptions) {
    this.#options = options;
    this.#memory = options.memory;
    this.#keys = new RequestKeys(options.name);
    this.#scopes = new Scopes(options);
    this.#lifetimes = new Lifetimes(options);
  }

  /** The layer. */
  readonly policy: Policy = (next) => (call) => this.#handle(next, call);

  /** Takes what the server tells by itself, whoever it is meant for. */
  readonly hear = ({ method, uri }: Message): void => {
    if (method === "notifications/resources/updated" && uri !== undefined) {
      this.#freshness.updated(uri);
      this.#options.onChange?.(["contents"]);
    }
    const kinds = CHANGES[method ?? ""];
    if (kinds === undefined) return;
    if (kinds.includes("tools")) this.#effects.forget();
    this.#changed(kinds);
  };

  /** A connection to the server has ended, or begins: what was told before is not to be relied on. */
  lost(): void {
    this.#freshness.doubted("told", "assumed");
  }

  /** The server speaks the era with a handshake. */
  isLegacy(): void {
    this.#lifetimes.isLegacy = true;
  }

  #handle(next: Handler, call: Call): Promise<Message | undefined> {
    const { message } = call;
    if (message.kind !== "request") {
      if (message.method === "notifications/roots/list_changed") this.#acted();
      return next(call);
    }
    const kind = kindOf(message.method);
    if (kind === undefined) return this.#other(next, call);
    const isOn = this.#options.isOn?.(call) ?? true;
    const isCacheable = isOn && (kind !== "discovery" || call.session.isSessionless);
    const request = isCacheable ? this.#keys.of(message, kind) : undefined;
    if (request === undefined) {
      return kind === "discovery" ? this.#learning(next, call) : next(call);
    }
    const nowMs = monotonicMs();
    this.#options.shared?.follow(nowMs, this.#changedElsewhere);
    const kept = this.#find(call, request, nowMs);
    if (kept === undefined) return this.#missed(next, call, request, nowMs);
    this.#options.count("l1", "hit");
    return Promise.resolve(kept.under(message.id!, nowMs));
  }

  #other(next: Handler, call: Call): Promise<Message | undefined> {
    const { method } = call.message;
    if (method === "initialize") return this.#learning(next, call);
    if (method !== "tools/call" || !this.#effects.mayChange(call.message)) return next(call);
    return this.#changing(next, call);
  }

  /**
   * Something may change at any time from the call to its answer; what is read between is kept until then at most.
   * The answer's own promise is handed on: a longer way would let answers overtake one another.
   */
  #changing(next: Handler, call: Call): Promise<Message | undefined> {
    this.#acted();
    const answer = next(new HeardCall(call, this.hear));
    answer.then(this.#acted, this.#acted);
    return answer;
  }

  readonly #acted = (): void => {
    this.#freshness.doubted("assumed");
    this.#changed(CHANGED_BY_TOOLS);
  };

  readonly #changedElsewhere = (kinds: readonly CachedKind[]): void => {
    this.#freshness.changed(...kinds);
  };

  #changed(kinds: readonly CachedKind[]): void {
    this.#freshness.changed(...kinds);
    this.#options.onChange?.(kinds);
  }

  async #learning(next: Handler, call: Call): Promise<Message | undefined> {
    const answer = await next(call);
    if (answer !== undefined) this.#learn(answer);
    return answer;
  }

  #learn(answer: Message): void {
    if (answer.isError) return;
    this.#lifetimes.learn(new RawObject(answer.bytes).object("result").object("capabilities"));
  }

  #find(call: Call, request: CachedRequest, nowMs: number): KeptAnswer | undefined {
    if (!this.#memory.has(request.key)) return undefined;
    const found = this.#current(request, EVERYBODY, nowMs) ??
      this.#current(request, this.#scopes.of(call, request), nowMs);
    if (found !== undefined) return found;
    const own = this.#scopes.ofPrivate(call, request);
    return own === undefined ? undefined : this.#current(request, own, nowMs);
  }

  #current(request: CachedRequest, scope: string, nowMs: number): KeptAnswer | undefined {
    const kept = this.#memory.get(request.key, scope);
    if (kept === undefined) return undefined;
    const { since, warrant } = kept.keeping;
    const holds = this.#freshness.holds(since, request.kind, warrant, request.uri);
    if (holds && !kept.hasExpired(nowMs)) return kept;
    this.#memory.delete(request.key, scope);
  }

  async #missed(
    next: Handler,
    call: Call,
    request: CachedRequest,
    nowMs: number,
  ): Promise<Message | undefined> {
    const { count, shared } = this.#options;
    count("l1", "miss");
    const found = shared?.find(call, next, request, this.#freshness.now, nowMs);
    if (shared !== undefined) count("l2", found === undefined ? "miss" : "hit");
    if (found === undefined) return await this.#ask(next, call, request);
    this.#memory.set(request.key, EVERYBODY, found);
    return found.under(call.message.id!, nowMs);
  }

  /** Asks the upstream, once for all who want to know the same. */
  async #ask(next: Handler, call: Call, request: CachedRequest): Promise<Message | undefined> {
    const own = this.#scopes.ofPrivate(call, request);
    const key = `${request.key}\n${this.#scopes.of(call, request)}`;
    for (;;) {
      const open = this.#flights.get(key);
      // What is under way was asked for before the last change, so it may tell of the time before.
      const canJoin = open !== undefined && !open.flight.isAbandoned &&
        this.#freshness.holds(open.since, request.kind, "assumed", request.uri);
      const { flight, own: leader } = canJoin ? open : this.#begin(next, call, request, key, own);
      if (canJoin) this.#options.count("l3", "joined");
      const { outcome, audience } = await flight.join(call);
      const isForMe = !canJoin || audience === "all" ||
        (audience === "private" && own !== undefined && own === leader);
      if (isForMe && outcome instanceof GatewayError) throw outcome;
      if (isForMe) return (outcome as Message).withId(call.message.id!);
      if (!(outcome instanceof GatewayError)) return await next(call);
      // Whoever asked has left before an answer came: ask again.
    }
  }

  #begin(
    next: Handler,
    call: Call,
    request: CachedRequest,
    key: string,
    own: string | undefined,
  ): OpenFlight {
    const since = this.#freshness.now;
    const id = encoder.encode(`"cache-${++this.#flown}"`);
    const flight = new Flight(next, call, id, (answer) => {
      const { audience, isKept } = this.#judge(call, request, answer, since, own);
      this.#options.count("l3", isKept ? "kept" : "passed");
      return audience;
    });
    const open: OpenFlight = { flight, since, own };
    this.#flights.set(key, open);
    flight.landed.then(() => {
      if (this.#flights.get(key) === open) this.#flights.delete(key);
    });
    return open;
  }

  /** Keeps an answer if it may be kept. */
  #judge(
    call: Call,
    request: CachedRequest,
    answer: Message,
    since: number,
    own: string | undefined,
  ): { audience: Audience; isKept: boolean } {
    if (answer.isError) return { audience: "all", isKept: false };
    const hints = hintsOf(answer);
    if (!hints.isComplete) return { audience: "first", isKept: false };
    if (request.kind === "tools") this.#effects.learn(answer);
    if (request.kind === "discovery") this.#learn(answer);
    const life = this.#lifetimes.of(request, hints);
    const isPrivate = life.warrant === "declared" && !hints.isPublic;
    const audience = isPrivate ? "private" : "all";
    const everybody = life.warrant === "declared" ? EVERYBODY : this.#scopes.of(call, request);
    const scope = isPrivate ? own : everybody;
    const holds = this.#freshness.holds(since, request.kind, life.warrant, request.uri);
    const isKept = life.lifeMs > 0 && scope !== undefined && holds;
    if (isKept) {
      const receivedMs = monotonicMs();
      const untilMs = receivedMs + life.lifeMs;
      const ttl = life.warrant === "declared" ? { ...hints, untilMs } : undefined;
      const keeping = { request, receivedMs, since, ttl, ...life };
      this.#memory.set(request.key, scope, new KeptAnswer(answer, keeping));
    }
    return { audience, isKept };
  }
}

/** A flight, and what was so when it began. */
interface OpenFlight {
  readonly flight: Flight;
  readonly since: number;
  /** Scope of the first asker's private answers. */
  readonly own: string | undefined;
}

/** What a server tells to have changed. */
const CHANGES: Readonly<Record<string, readonly CachedKind[]>> = {
  "notifications/tools/list_changed": ["tools"],
  "notifications/prompts/list_changed": ["prompts", "prompt"],
  "notifications/resources/list_changed": ["resources", "contents"],
};

/** What a tool may change without a word of its server. */
const CHANGED_BY_TOOLS: readonly CachedKind[] = ["resources", "contents"];

const encoder = new TextEncoder();
