/**
 * Several ways to one server. Who dials gets a connection over the best of them that can be had; when a
 * better one has come back to stay, connections are asked to move there.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { type GatewayError, reasonOf } from "../core/errors.ts";
import type { Connection } from "../core/connection.ts";
import { type Dial, type DialledConnection, withWatch } from "./connection_watch.ts";
import { circuitOpen, type Endpoint } from "./endpoint.ts";
import { EndpointWatch } from "./endpoint_watch.ts";
import { isBetter, selectionScore } from "./selection.ts";
import { firstSuccess } from "./staggered.ts";

/** When connections move. */
export interface EndpointSetOptions {
  /** A better endpoint has to be well for so long before connections move to it, ms. */
  readonly steadyMs: number;
  /** Connections move at most once in so many ms, unless the endpoint they use is dead. */
  readonly switchMs: number;
}

/** What a set reports, for counters and logs. */
export interface EndpointSetEvents {
  /** New connections go to another endpoint from now on. */
  switched(from: string, to: string, why: "lost" | "better"): void;
  /** Of several endpoints none could be reached. */
  stranded?(): void;
  /** An endpoint was not there; the next one is tried. */
  unreachable(endpoint: string, reason: string): void;
}

/** An endpoint that has just lost a connection is waited for so long before the next is tried beside it, ms. */
const PATIENCE_DOUBTFUL_MS = 250;
/** The same for one that is slow for no known reason, ms. */
const PATIENCE_MS = 3000;
/** Before connections move to an endpoint it has been found well no longer ago than this, ms. */
const FRESH_MS = 1000;
/** Connections that are asked to move at once: each dials and shakes hands. */
const MOVES_AT_ONCE = 50;
/** Until the next are asked, ms. */
const MOVES_PAUSE_MS = 100;

/** See the module. Dispose it when nobody dials any more. */
export class EndpointSet implements Disposable {
  readonly #upstream: string;
  readonly #endpoints: readonly Endpoint[];
  readonly #options: EndpointSetOptions;
  readonly #events: EndpointSetEvents;
  readonly #watches = new Set<EndpointWatch>();
  #current: Endpoint | undefined;
  #switchedMs = -Infinity;
  #moving: ReturnType<typeof setTimeout> | undefined;

  /** @param endpoints the most wanted first where priorities are equal; at least one */
  constructor(
    upstream: string,
    endpoints: readonly Endpoint[],
    options: EndpointSetOptions,
    events: EndpointSetEvents,
  ) {
    this.#upstream = upstream;
    this.#endpoints = endpoints;
    this.#options = options;
    this.#events = events;
  }

  /** The endpoint that new connections go to; `undefined` before the first. */
  get current(): Endpoint | undefined {
    return this.#current;
  }

  /** Why a call has no chance now; `undefined` when it has one. */
  refusal(): GatewayError | undefined {
    if (this.#endpoints.some((endpoint) => endpoint.circuit.permits)) return undefined;
    const waits = this.#endpoints.map((endpoint) => endpoint.circuit.retryAfterMs);
    return circuitOpen(this.#upstream, Math.min(...waits));
  }

  /**
   * Connects over the best endpoint that can be had.
   *
   * @throws {GatewayError} NoHealthyUpstream: all are left alone for a while
   * @throws {TransportError} none could be reached
   */
  readonly dial: Dial = Object.assign(
    (signal: AbortSignal) => this.#dial(signal),
    { isPaced: () => this.#isPaced() },
  );

  /** Moves connections to a better endpoint when there is one, and the time has come. */
  reconsider(): void {
    const candidate = this.candidate();
    const isFresh = candidate !== undefined && monotonicMs() - candidate.lastGoodMs < FRESH_MS;
    if (isFresh) this.#switch(candidate, this.#current!.isPromising ? "better" : "lost");
    this.#askToMove();
  }

  /** The endpoint that connections would move to now, if it has been found well this moment. */
  candidate(): Endpoint | undefined {
    const best = this.#promising()[0], current = this.#current;
    if (current === undefined || best === undefined || best === current) return undefined;
    return this.#mayMoveTo(best, current) ? best : undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#moving);
    this.#watches.clear();
  }

  #isPaced(): boolean {
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    return this.#endpoints.some(({ circuit }) => circuit.state !== "closed");
  }

  async #dial(signal: AbortSignal): Promise<DialledConnection> {
    const order = this.#order();
    if (order.length === 0) throw this.refusal() ?? circuitOpen(this.#upstream, 0);
    const ways = order.map((endpoint) => ({
      go: (given: AbortSignal) => this.#dialOne(endpoint, given),
      patienceMs: endpoint.isDoubtful ? PATIENCE_DOUBTFUL_MS : PATIENCE_MS,
    }));
    const won = await firstSuccess(ways, signal, ({ connection, watch }) => {
      watch.ended();
      void connection[Symbol.asyncDispose]();
    }).catch((error) => {
      if (this.#endpoints.length > 1 && !isCalledOff(signal)) this.#events.stranded?.();
      throw error;
    });
    return this.#adopt(won.connection, won.watch);
  }

  /** The one in use first, then by score; those in doubt are the last resort. */
  #order(): Endpoint[] {
    const promising = this.#promising();
    const at = promising.findIndex((endpoint) => endpoint === this.#current);
    if (at > 0) promising.unshift(...promising.splice(at, 1));
    const others = this.#endpoints.filter((endpoint) =>
      endpoint.isSuspect && endpoint.circuit.permits
    );
    return [...promising, ...others.sort(byScore)];
  }

  #promising(): Endpoint[] {
    return this.#endpoints.filter((endpoint) => endpoint.isPromising).sort(byScore);
  }

  #mayMoveTo(best: Endpoint, current: Endpoint): boolean {
    if (best.health !== "healthy" || !isBetter(best, current)) return false;
    return best.goodForMs >= this.#options.steadyMs &&
      monotonicMs() - this.#switchedMs >= this.#options.switchMs;
  }

  async #dialOne(endpoint: Endpoint, signal: AbortSignal) {
    const permit = endpoint.circuit.admit();
    if (permit === undefined) throw endpoint.refusal(this.#upstream);
    let connection: Connection;
    try {
      connection = await endpoint.dial(signal);
    } catch (error) {
      if (isCalledOff(signal)) permit.withdrawn();
      else {
        permit.failed();
        endpoint.noteAbsent();
        if (this.#endpoints.length > 1) this.#events.unreachable(endpoint.label, reasonOf(error));
      }
      throw error;
    }
    const hasOthers = () =>
      this.#endpoints.some((other) => other !== endpoint && other.isPromising);
    const watch = new EndpointWatch(endpoint, this.#upstream, permit, hasOthers);
    return { connection, watch };
  }

  #adopt(connection: Connection, watch: EndpointWatch): DialledConnection {
    this.#watches.add(watch);
    const ended = () => {
      this.#watches.delete(watch);
      watch.ended();
    };
    connection.closed.then(ended, ended);
    if (this.#current === undefined) this.#current = watch.endpoint;
    else if (this.#current !== watch.endpoint) this.#switch(watch.endpoint, "lost");
    return withWatch(connection, watch);
  }

  #switch(to: Endpoint, why: "lost" | "better"): void {
    const from = this.#current!;
    this.#current = to;
    this.#switchedMs = monotonicMs();
    this.#events.switched(from.label, to.label, why);
  }

  /** A few at a time: all at once would make the endpoint that has just come back fall over again. */
  #askToMove(): void {
    clearTimeout(this.#moving);
    this.#moving = undefined;
    if (this.#current?.isPromising !== true) return;
    let asked = 0;
    for (const watch of this.#watches) {
      if (watch.endpoint === this.#current || watch.onSuperseded === undefined) continue;
      if (asked++ === MOVES_AT_ONCE) {
        this.#moving = setTimeout(() => this.#askToMove(), MOVES_PAUSE_MS);
        return;
      }
      const move = watch.onSuperseded;
      watch.onSuperseded = undefined;
      move();
    }
  }
}

/** Whether nobody wants the connection any more; a deadline that passed is the endpoint's fault. */
function isCalledOff({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof DOMException && reason.name === "TimeoutError");
}

function byScore(a: Endpoint, b: Endpoint): number {
  return selectionScore(b) - selectionScore(a);
}
