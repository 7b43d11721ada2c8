/**
 * The circuit breaker: closed, open, half-open. A rule decides when it opens; this is the mechanism.
 *
 * Of the shape of npm:cockatiel's `CircuitBreakerPolicy` and `IBreaker`. Not that package itself, because its
 * clock is `Date.now()` (a changed wall clock would open or close circuits), in its half-open state callers
 * wait for the probe instead of being refused, several probes run at once, and a circuit cannot be opened for
 * a time from outside.
 *
 * @module
 */
import type { Circuit, CircuitState, Permit } from "../core/circuit.ts";
import { monotonicMs } from "../core/clock.ts";
import { AnyRule, type BreakRule, ConsecutiveFailures, ErrorRate } from "./break_rules.ts";

/** How a breaker behaves. */
export interface CircuitBreakerOptions {
  readonly rule: BreakRule;
  /** How long it stays open before it lets a probe through, ms. */
  readonly openMs: number;
  /** Probes in a row that have to succeed before it closes. */
  readonly successes: number;
  /** Told of every change. */
  readonly onState?: (state: CircuitState) => void;
  readonly nowMs?: () => number;
}

type State =
  | { readonly kind: "closed"; readonly permit: Permit }
  | { readonly kind: "open"; readonly untilMs: number }
  | { readonly kind: "halfOpen"; readonly successes: number; readonly probe: Permit | undefined };

/** See the module. */
export class CircuitBreaker implements Circuit {
  readonly #options: CircuitBreakerOptions;
  readonly #nowMs: () => number;
  #state: State;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? monotonicMs;
    this.#state = { kind: "closed", permit: this.#closedPermit() };
  }

  get state(): CircuitState {
    return this.#state.kind;
  }

  get permits(): boolean {
    const state = this.#state;
    if (state.kind === "halfOpen") return state.probe === undefined;
    return state.kind === "closed" || this.#nowMs() >= state.untilMs;
  }

  get retryAfterMs(): number {
    return this.#state.kind === "open" ? Math.max(0, this.#state.untilMs - this.#nowMs()) : 0;
  }

  admit(): Permit | undefined {
    if (this.#state.kind === "closed") return this.#state.permit;
    if (!this.permits) return undefined;
    const probe = this.#probe();
    const successes = this.#state.kind === "halfOpen" ? this.#state.successes : 0;
    this.#enter({ kind: "halfOpen", successes, probe });
    return probe;
  }

  /** Opens it whatever the rule says: a security event, an operator. */
  open(forMs = this.#options.openMs): void {
    this.#enter({ kind: "open", untilMs: this.#nowMs() + forMs });
  }

  #close(): void {
    this.#options.rule.reset();
    this.#enter({ kind: "closed", permit: this.#closedPermit() });
  }

  #enter(state: State): void {
    const changed = state.kind !== this.#state.kind;
    this.#state = state;
    if (changed) this.#options.onState?.(state.kind);
  }

  /** One for all calls of a closed period: whoever comes back later than its end has no say any more. */
  #closedPermit(): Permit {
    const { rule } = this.#options;
    const isCurrent = () => this.#state.kind === "closed" && this.#state.permit === permit;
    const permit: Permit = {
      succeeded: () => {
        if (isCurrent()) rule.succeeded(this.#nowMs());
      },
      failed: () => {
        if (isCurrent() && rule.failed(this.#nowMs())) this.open();
      },
      withdrawn: () => {},
    };
    return permit;
  }

  #probe(): Permit {
    const settle = (next: (successes: number) => void) => () => {
      const state = this.#state;
      if (state.kind === "halfOpen" && state.probe === probe) next(state.successes);
    };
    const wait = (successes: number) => {
      this.#state = { kind: "halfOpen", successes, probe: undefined };
    };
    const probe: Permit = {
      succeeded: settle((successes) => {
        if (successes + 1 >= this.#options.successes) this.#close();
        else wait(successes + 1);
      }),
      failed: settle(() => this.open()),
      withdrawn: settle(wait),
    };
    return probe;
  }
}

/** What is configured of a breaker. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Share of failures within the window that opens it. */
  readonly errorRate: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly successes: number;
}

/** Fewer outcomes than this have no error rate to speak of. */
const RATED_COUNT_MIN = 20;

/** The breaker in front of a server: opens by failures in a row or by their share. */
export function upstreamBreaker(
  settings: BreakerSettings,
  onState: (state: CircuitState) => void,
): CircuitBreaker {
  const rule = new AnyRule(
    new ConsecutiveFailures(settings.failures),
    new ErrorRate(settings.errorRate, settings.windowMs, RATED_COUNT_MIN),
  );
  return new CircuitBreaker({
    rule,
    openMs: settings.openMs,
    successes: settings.successes,
    onState,
  });
}
