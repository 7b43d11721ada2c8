/**
 * How many calls an account may make, whatever transports it uses: one limiter stands in front of everything.
 *
 * @module
 */
import { accountOf, identityOf } from "../core/account.ts";
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { SecurityEvents } from "../core/security_event.ts";
import type { Allowance, RateStore } from "./rate_store.ts";
import { perMinute, perSecond, type Rate } from "./token_bucket.ts";

/** How many calls are allowed. */
export interface RateSettings {
  readonly enabled: boolean;
  /** Calls a second of any account. */
  readonly perSecond: number;
  /** Calls at once of any account. */
  readonly burst: number;
  /** Calls a minute, besides, of principals of a tier. */
  readonly tiers: Readonly<Record<string, number>>;
  /** Calls a minute of principals of a tier that is not listed. */
  readonly unknownTier: number;
  /** Whether clients of this machine that prove nothing are counted, too. */
  readonly loopback: boolean;
}

/** What a limiter works with. */
export interface RateLimiterOptions {
  readonly store: RateStore;
  readonly report: SecurityEvents;
  /** Told of each call and notification over the limit, with the label of its tier. */
  readonly onLimited?: (tier: string) => void;
  /** Wall clock, ms since 1970, for `X-RateLimit-Reset`. */
  readonly now?: () => number;
}

/** The tier of principals that have none, and of clients that have proved nothing, as a label. */
const NO_TIER = "none";
/** The tier of principals whose tier is not listed, as a label. */
const UNKNOWN_TIER = "unknown";
/** Notifications that reach the server in any case: they end work, or a handshake that has been paid for. */
const FREE: ReadonlySet<string> = new Set(["notifications/cancelled", "notifications/initialized"]);

interface Tier {
  readonly label: string;
  readonly rates: readonly Rate[];
}

/** A layer that refuses calls over the limit; notifications over it are dropped. */
export class RateLimiter {
  /** The layer. */
  readonly policy: Policy = (next) => (call) => this.#handle(next, call);
  readonly #options: RateLimiterOptions;
  readonly #now: () => number;
  #settings!: RateSettings;
  #tiers!: ReadonlyMap<string, Tier>;
  #noTier!: Tier;
  #unknownTier!: Tier;

  constructor(settings: RateSettings, options: RateLimiterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.configure(settings);
  }

  /** Other limits from now on; what has been used stays used. */
  configure(settings: RateSettings): void {
    const common = perSecond(settings.perSecond, settings.burst);
    const tier = (label: string, calls: number) => ({ label, rates: [common, perMinute(calls)] });
    this.#settings = settings;
    this.#noTier = { label: NO_TIER, rates: [common] };
    this.#unknownTier = tier(UNKNOWN_TIER, settings.unknownTier);
    this.#tiers = new Map(
      Object.entries(settings.tiers).map(([name, calls]) => [name, tier(name, calls)]),
    );
  }

  #handle(next: Handler, call: Call): Promise<Message | undefined> {
    if (!this.#settings.enabled) return next(call);
    const identity = identityOf(call);
    const account = accountOf(call.request, identity, this.#settings.loopback);
    if (account === undefined) return next(call);
    const tier = this.#tierOf(identity?.tier);
    const allowance = this.#options.store.take(account, tier.rates);
    return allowance instanceof Promise
      ? allowance.then((later) => this.#decide(next, call, tier, later))
      : this.#decide(next, call, tier, allowance);
  }

  #tierOf(name: string | undefined): Tier {
    if (name === undefined) return this.#noTier;
    return this.#tiers.get(name) ?? this.#unknownTier;
  }

  #decide(
    next: Handler,
    call: Call,
    tier: Tier,
    allowance: Allowance,
  ): Promise<Message | undefined> {
    const { request, message } = call;
    const isRequest = message.kind === "request";
    if (allowance.retryAfterMs === 0) {
      if (isRequest && request.setHeader !== undefined) this.#announce(request, allowance);
      return next(call);
    }
    this.#options.onLimited?.(tier.label);
    const principal = identityOf(call)?.principal;
    this.#options.report({ type: "rate_limited", address: request.address, principal });
    if (isRequest) return Promise.reject(this.#refusal(allowance));
    return FREE.has(message.method!) ? next(call) : Promise.resolve(undefined);
  }

  #announce(request: RequestInfo, { limit, remaining, fullAfterMs }: Allowance): void {
    request.setHeader!("x-ratelimit-limit", String(limit));
    request.setHeader!("x-ratelimit-remaining", String(remaining));
    request.setHeader!("x-ratelimit-reset", this.#reset(fullAfterMs));
  }

  #refusal({ limit, retryAfterMs, fullAfterMs }: Allowance): GatewayError {
    const waitMs = Math.ceil(retryAfterMs);
    return new GatewayError("RateLimited", "Cannot accept request: too many calls", {
      headers: {
        "retry-after": String(Math.ceil(waitMs / 1000)),
        "x-ratelimit-limit": String(limit),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": this.#reset(fullAfterMs),
      },
      data: { outcome: "not_sent", retryAfterMs: waitMs },
    });
  }

  /** Seconds since 1970, as most who send this header have it. */
  #reset(fullAfterMs: number): string {
    return String(Math.ceil((this.#now() + fullAfterMs) / 1000));
  }
}
