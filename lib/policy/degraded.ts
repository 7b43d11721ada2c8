/**
 * Degraded mode: when servers fail or memory is short, only the methods that matter most are served; the
 * others are refused at once, which leaves what there is to those.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { type GatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { OutcomeWindow } from "../core/outcome_window.ts";
import { overloaded } from "./overloaded.ts";

/** What the rule looks at. */
export interface Strain {
  /** Share of calls that failed lately, 0 to 1. */
  readonly errorRate: number;
  /** Calls that this share is of. */
  readonly calls: number;
  /** Share of the buffer budget in use, 0 to 1 and above. */
  readonly bufferShare: number;
}

/** When it is too much. */
export interface DegradedLimits {
  readonly errorRate: number;
  readonly bufferShare: number;
}

/** Fewer calls than this have no error rate to speak of. */
const RATED_COUNT_MIN = 20;
/** To be normal again, strain has to be so much below what is too much: else the mode would flicker. */
const RETURN_FACTOR = 0.8;

/** Why the mode is to be entered, or kept; `undefined` when nothing speaks for it. */
export function degradedBy(
  { errorRate, calls, bufferShare }: Strain,
  limits: DegradedLimits,
  isDegraded: boolean,
): "errors" | "memory" | undefined {
  const factor = isDegraded ? RETURN_FACTOR : 1;
  if (bufferShare > limits.bufferShare * factor) return "memory";
  const isRated = calls >= RATED_COUNT_MIN;
  return isRated && errorRate >= limits.errorRate * factor ? "errors" : undefined;
}

/** How degraded mode is set up. */
export interface DegradedOptions {
  readonly limits: DegradedLimits;
  /** Methods that stay on. */
  readonly methods: readonly string[];
  /** Failures are counted over so much of the past, ms. */
  readonly windowMs: number;
  /** It lasts for so long at least, ms. */
  readonly holdMs: number;
  /** Share of the buffer budget in use now. */
  readonly bufferShare: () => number;
  readonly onChange?: (why: "errors" | "memory" | undefined) => void;
  /** Told of every request that is refused. */
  readonly onShed?: () => void;
  readonly nowMs?: () => number;
}

/** A layer that refuses requests while there is too much strain. */
export function degradable(options: DegradedOptions): Policy {
  const mode = new DegradedMode(options);
  const staysOn: ReadonlySet<string> = new Set(options.methods);
  return (next) => (call) => {
    if (call.message.kind !== "request") return next(call);
    if (mode.look() && !staysOn.has(call.message.method!)) return Promise.reject(mode.refusal());
    return noted(next, call, (isFailure) => mode.note(isFailure));
  };
}

class DegradedMode {
  readonly #options: DegradedOptions;
  readonly #nowMs: () => number;
  readonly #outcomes: OutcomeWindow;
  #why: "errors" | "memory" | undefined;
  #sinceMs = 0;

  constructor(options: DegradedOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? monotonicMs;
    this.#outcomes = new OutcomeWindow(options.windowMs);
  }

  /** Whether it is on now. */
  look(): boolean {
    const nowMs = this.#nowMs();
    const wasOn = this.#why !== undefined;
    if (wasOn && nowMs - this.#sinceMs < this.#options.holdMs) return true;
    const strain = {
      errorRate: this.#outcomes.errorRate(nowMs),
      calls: this.#outcomes.count(nowMs),
      bufferShare: this.#options.bufferShare(),
    };
    const why = degradedBy(strain, this.#options.limits, wasOn);
    if ((why !== undefined) !== wasOn) {
      this.#sinceMs = nowMs;
      this.#options.onChange?.(why);
    }
    this.#why = why;
    return why !== undefined;
  }

  note(isFailure: boolean): void {
    this.#outcomes.note(isFailure, this.#nowMs());
  }

  refusal(): GatewayError {
    this.#options.onShed?.();
    const { holdMs } = this.#options;
    const restMs = holdMs - (this.#nowMs() - this.#sinceMs);
    return overloaded(
      "Cannot serve this method: the gateway is in degraded mode and serves only what matters most",
      restMs > 0 ? restMs : holdMs,
    );
  }
}

async function noted(
  next: Handler,
  call: Parameters<Handler>[0],
  note: (isFailure: boolean) => void,
): Promise<Message | undefined> {
  try {
    const answer = await next(call);
    note(answer?.isError === true && FAULTS.has(answer.json().error?.code));
    return answer;
  } catch (error) {
    note(FAULTS.has((error as GatewayError).code));
    throw error;
  }
}

/** Errors of servers that are not there, or not well; what a tool or a method says is no fault. */
const FAULTS: ReadonlySet<unknown> = new Set([
  WIRE_FORMS.UpstreamUnavailable.code,
  WIRE_FORMS.UpstreamTimeout.code,
  WIRE_FORMS.NoHealthyUpstream.code,
  WIRE_FORMS.UpstreamProtocolError.code,
]);
