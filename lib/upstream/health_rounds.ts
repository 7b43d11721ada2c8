/**
 * Looks after the endpoints of one server: those that calls say nothing of are asked, and those that were
 * found dead are asked often enough to be found alive again soon.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import { type Endpoint, settle } from "./endpoint.ts";
import type { EndpointSet } from "./endpoints.ts";

/** When endpoints are asked. */
export interface HealthRoundsOptions {
  /** How often an endpoint is asked that no call has used meanwhile, ms. */
  readonly checkMs: number;
  /** Before connections move to an endpoint it has to be well for so long, ms. */
  readonly steadyMs: number;
}

/** Asks an endpoint; resolves to the round trip in ms. */
export type CheckEndpoint = (endpoint: Endpoint, signal: AbortSignal) => Promise<number>;

/** What rounds report, for counters and logs. */
export interface HealthEvents {
  /** An endpoint's health is another than at the last look. */
  healthChanged(endpoint: string, health: string, reason?: string): void;
}

/** An endpoint that is not known to be well is asked again after this, ms. */
const RECHECK_MS = 1000;
/** Nobody is asked more often, ms. */
const PAUSE_MS_MIN = 20;

/** See the module. Runs until it is disposed. */
export class HealthRounds implements AsyncDisposable {
  readonly #set: EndpointSet;
  readonly #endpoints: readonly Endpoint[];
  readonly #check: CheckEndpoint;
  readonly #options: HealthRoundsOptions;
  readonly #events: HealthEvents;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #told = new Map<Endpoint, string>();

  constructor(
    set: EndpointSet,
    endpoints: readonly Endpoint[],
    check: CheckEndpoint,
    options: HealthRoundsOptions,
    events: HealthEvents,
  ) {
    this.#set = set;
    this.#endpoints = endpoints;
    this.#check = check;
    this.#options = options;
    this.#events = events;
    this.#running = Promise.all(endpoints.map((endpoint) => this.#look(endpoint)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #look(endpoint: Endpoint): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = 0;
    while (await paused(pauseMs, signal)) {
      if (this.#isDue(endpoint)) await this.#ask(endpoint);
      this.#tell(endpoint);
      this.#set.reconsider();
      pauseMs = this.#pauseMs(endpoint);
    }
  }

  /** Calls tell of the endpoint in use; starting a process only to look is too much where nothing is wrong. */
  #isDue(endpoint: Endpoint): boolean {
    if (!endpoint.circuit.permits) return false;
    if (endpoint.isSuspect || endpoint.circuit.state !== "closed") return true;
    if (endpoint === this.#set.candidate()) return true;
    if (endpoint.isCostly) return false;
    return monotonicMs() - endpoint.lastGoodMs >= this.#options.checkMs ||
      !this.#isSteady(endpoint);
  }

  async #ask(endpoint: Endpoint): Promise<void> {
    const permit = endpoint.circuit.admit();
    if (permit === undefined) return;
    const wasSuspect = endpoint.isSuspect;
    try {
      endpoint.latencyMs = await this.#check(endpoint, this.#stop.signal);
      settle(permit, "good");
      if (wasSuspect) endpoint.noteBack();
      endpoint.noteGood();
    } catch (error) {
      if (this.#stop.signal.aborted) return permit.withdrawn();
      settle(permit, "absent");
      endpoint.noteAbsent();
      this.#tell(endpoint, reasonOf(error));
    }
  }

  #pauseMs(endpoint: Endpoint): number {
    const { checkMs } = this.#options;
    if (endpoint.circuit.state === "open") {
      return Math.max(PAUSE_MS_MIN, endpoint.circuit.retryAfterMs);
    }
    const isWell = this.#isSteady(endpoint) && !this.#isWaiting(endpoint);
    return isWell ? checkMs : Math.min(RECHECK_MS, checkMs);
  }

  /** Whether connections could be moving to it soon. */
  #isWaiting(endpoint: Endpoint): boolean {
    const { current } = this.#set;
    return current !== undefined && endpoint !== current && endpoint.priority > current.priority;
  }

  #isSteady(endpoint: Endpoint): boolean {
    return endpoint.goodForMs >= this.#options.steadyMs;
  }

  #tell(endpoint: Endpoint, reason?: string): void {
    const { health } = endpoint;
    if (health === (this.#told.get(endpoint) ?? "unknown")) return;
    this.#told.set(endpoint, health);
    this.#events.healthChanged(endpoint.label, health, reason);
  }
}

/** False when the signal has aborted. */
async function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = () => resolve();
  signal.addEventListener("abort", abort, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  return !signal.aborted;
}
