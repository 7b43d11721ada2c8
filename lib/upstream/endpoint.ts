/**
 * One way to a server: how it does, and whether it may be used.
 *
 * @module
 */
import type { Circuit, Permit } from "../core/circuit.ts";
import { monotonicMs } from "../core/clock.ts";
import type { Connection } from "../core/connection.ts";
import { type Failure, GatewayError, reasonOf, WIRE_FORMS } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import { HealthMeter } from "./health.ts";
import type { Health, Standing } from "./selection.ts";

/** Opens a connection. Rejects when there is none before the signal aborts. */
export type DialEndpoint = (signal: AbortSignal) => Promise<Connection>;

/** What an endpoint is made of. */
export interface EndpointOptions {
  /** For logs: holds no secrets. */
  readonly label: string;
  /** 1 to 10, 10 is most wanted. */
  readonly priority: number;
  readonly dial: DialEndpoint;
  readonly circuit: Circuit;
  /** A check starts a process: it is only made where calls have failed. */
  readonly isCostly: boolean;
  /** Health is judged by so much of the past, ms. */
  readonly windowMs: number;
}

/** A connection was lost so lately that dialling again may take for ever, ms. */
const DOUBTFUL_MS = 10_000;

/** See the module. */
export class Endpoint implements Standing {
  readonly label: string;
  readonly priority: number;
  readonly dial: DialEndpoint;
  readonly circuit: Circuit;
  readonly isCostly: boolean;
  /** Round trip of the last check, ms. */
  latencyMs: number | undefined;
  /** When it was last found well, monotonic ms. */
  lastGoodMs = -Infinity;
  readonly #meter: HealthMeter;
  #goodSinceMs: number | undefined;
  #isSuspect = false;
  #failures = 0;
  #lostMs = -Infinity;

  constructor(options: EndpointOptions) {
    this.label = options.label;
    this.priority = options.priority;
    this.dial = options.dial;
    this.circuit = options.circuit;
    this.isCostly = options.isCostly;
    this.#meter = new HealthMeter(options.windowMs);
  }

  get health(): Health {
    return this.#isSuspect ? "unhealthy" : this.#meter.health(monotonicMs());
  }

  /** Failures noted so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether it was not there when it was last tried. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** Whether it may be tried, and nothing speaks against that. */
  get isPromising(): boolean {
    return !this.#isSuspect && this.circuit.permits;
  }

  /** Whether a connection to it was lost lately. */
  get isDoubtful(): boolean {
    return monotonicMs() - this.#lostMs < DOUBTFUL_MS;
  }

  /** How long it has been well without a break, ms; 0 when it is not. */
  get goodForMs(): number {
    return this.#goodSinceMs === undefined ? 0 : monotonicMs() - this.#goodSinceMs;
  }

  /** A question was answered, or a check went well. */
  noteGood(): void {
    const nowMs = monotonicMs();
    this.#meter.note(false, nowMs);
    this.#isSuspect = false;
    this.#goodSinceMs ??= nowMs;
    this.lastGoodMs = nowMs;
  }

  /** A question failed, or a check did. */
  noteBad(): void {
    this.#failures++;
    this.#meter.note(true, monotonicMs());
    this.#goodSinceMs = undefined;
  }

  /** It was not there at all. */
  noteAbsent(): void {
    this.noteBad();
    this.#isSuspect = true;
  }

  /** A connection broke that had questions open. */
  noteLost(): void {
    this.noteBad();
    this.#lostMs = monotonicMs();
  }

  /** It has been away, and has shown that it is back: what was before says nothing any more. */
  noteBack(): void {
    this.#meter.clear();
  }

  /** What a caller is told who cannot be served while the circuit is open. */
  refusal(upstream: string): GatewayError {
    return circuitOpen(upstream, this.circuit.retryAfterMs);
  }
}

/** The error while every endpoint of an upstream is left alone; over HTTP a 503 that says when to come back. */
export function circuitOpen(upstream: string, retryAfterMs: number): GatewayError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new GatewayError(
    "NoHealthyUpstream",
    `Cannot reach upstream ${upstream}: it has failed too often and is left alone for ${seconds} s`,
    { headers: { "retry-after": String(seconds) }, data: { retryAfterSeconds: seconds } },
  );
}

/** What the end of a question says about the endpoint. */
export type Verdict = "good" | "bad" | "absent" | "lost" | "nothing";

const FAULTS: ReadonlyMap<number, Failure> = new Map(
  (["UpstreamUnavailable", "UpstreamTimeout", "UpstreamProtocolError"] as const)
    .map((failure) => [WIRE_FORMS[failure].code, failure]),
);

/**
 * An answer, of whatever content, shows that the server is well; but transports over HTTP tell the failure of
 * one request by an answer to it.
 */
export function verdictOnAnswer(answer: Message): Verdict {
  if (!answer.isError) return "good";
  const { code, data } = answer.json().error;
  if (!FAULTS.has(code)) return "good";
  return data?.outcome === "not_sent" ? "absent" : "bad";
}

/** Whether an answer tells that the server was not there, or went away. */
export function isUnavailable(answer: Message): boolean {
  return answer.isError && answer.json().error.code === WIRE_FORMS.UpstreamUnavailable.code;
}

/** Cancelled calls, full buffers and refusals are not the server's fault. */
export function verdictOnError(error: unknown): Verdict {
  if (!(error instanceof GatewayError) || !FAULTS.has(error.code)) return "nothing";
  return error.failure === "UpstreamUnavailable" ? "lost" : "bad";
}

/** Settles a permit by a verdict. */
export function settle(permit: Permit, verdict: Verdict): void {
  if (verdict === "good") permit.succeeded();
  else if (verdict === "nothing") permit.withdrawn();
  else permit.failed();
}

/** Why an endpoint did not answer, for logs. */
export function endpointReason(endpoint: Endpoint, error: unknown): string {
  return `${endpoint.label}: ${reasonOf(error)}`;
}
