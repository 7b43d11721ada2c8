/**
 * What is under way towards an HTTP server: can be aborted at any point, and has a deadline that one
 * shared timer looks at instead of a timer each.
 *
 * @module
 */
import type { ClientRequest } from "node:http";
import { monotonicMs } from "../../lib/core/clock.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { type Registered, Registry } from "./registry.ts";

/** One request, with what may follow it (resumptions, pauses between them). */
export class Flight implements Registered {
  place = -1;
  /** Why it was aborted. */
  reason: GatewayError | undefined;
  #deadlineMs = Infinity;
  #request: ClientRequest | undefined;
  #wake: (() => void) | undefined;

  /** Follows another request of the same flight. */
  carry(request: ClientRequest): void {
    this.#request = request;
    if (this.reason !== undefined) request.destroy(this.reason);
  }

  /** Sets how long the other side may take from now on, ms; `Infinity` for as long as it likes. */
  allow(ms: number): void {
    this.#deadlineMs = ms === Infinity ? ms : monotonicMs() + ms;
  }

  /** Whether its time is over. */
  isLate(nowMs: number): boolean {
    return nowMs > this.#deadlineMs;
  }

  /** Ends it; the first reason counts. */
  abort(reason: GatewayError): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    // Without the reason: a socket whose answer has just ended has no listener for an error (seen on Deno 2.9.6).
    this.#request?.destroy();
    this.#wake?.();
  }

  /**
   * Waits for what neither side of the request delays: a person who logs in. Its deadline moves by as much.
   *
   * @throws {GatewayError} the reason, when it is aborted meanwhile
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const deadlineMs = this.#deadlineMs, sinceMs = monotonicMs();
    this.#deadlineMs = Infinity;
    this.#wake = resolve;
    if (this.reason !== undefined) resolve();
    try {
      await Promise.race([work, aborted]);
      if (this.reason !== undefined) throw this.reason;
      return await work;
    } finally {
      this.#wake = undefined;
      this.#deadlineMs = deadlineMs + monotonicMs() - sinceMs;
    }
  }

  /** Waits; an abort ends the wait early. */
  pause(ms: number): Promise<void> {
    if (this.reason !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const SWEEP_MS = 1000;

/** Everything under way on one connection. */
export class Flights {
  readonly #flights = new Registry<Flight>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** Adds one. */
  add(flight: Flight): void {
    this.#flights.add(flight);
  }

  /** Takes one out that has landed. */
  delete(flight: Flight): void {
    this.#flights.delete(flight);
  }

  /** Aborts all. */
  abort(reason: GatewayError): void {
    for (const flight of this.#flights.all()) flight.abort(reason);
  }

  /** Stops looking at deadlines. */
  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    for (const flight of this.#flights.all()) {
      if (flight.isLate(nowMs)) flight.abort(late());
    }
  }
}

function late(): GatewayError {
  return new GatewayError("UpstreamTimeout", "Cannot call upstream: it has not answered in time", {
    data: { outcome: "unknown" },
  });
}
