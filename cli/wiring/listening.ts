/**
 * The listeners of a gateway, some of which come and go while it runs.
 *
 * @module
 */
import type { Endpoint, Listener } from "../../lib/core/connection.ts";
import type { Gateway } from "../../lib/gateway.ts";
import type { Base } from "./base.ts";
import { listen } from "./listeners.ts";

/** One address, with all that listens on it. */
export interface Bound {
  readonly endpoint: Endpoint;
  readonly listeners: readonly Listener[];
}

/** A bound address while it is served. */
interface Served extends Bound {
  readonly hardEnd: AbortController;
  /** Resolves when everything that was accepted has ended. */
  readonly ended: Promise<unknown>;
}

/**
 * Binds addresses; whoever connects waits until they are served.
 *
 * @throws {TransportError} when one of them cannot be bound; then none is
 */
export async function bind(
  base: Base,
  endpoints: readonly Endpoint[],
): Promise<Bound[]> {
  const bound: Bound[] = [];
  try {
    for (const endpoint of endpoints) {
      bound.push({ endpoint, listeners: await listen(base, endpoint) });
    }
  } catch (error) {
    await unbind(bound);
    throw error;
  }
  return bound;
}

/** Gives addresses up that are not served yet. */
export async function unbind(bound: readonly Bound[]): Promise<void> {
  for (const { listeners } of bound) await stop(listeners);
}

/** See the module. */
export class Listening {
  /** Resolves when every listener has ended by itself: the client on stdin has gone. */
  readonly ended: Promise<void>;
  readonly #gateway: Gateway;
  readonly #served = new Set<Served>();
  readonly #allEnded = Promise.withResolvers<void>();

  constructor(gateway: Gateway, bound: readonly Bound[]) {
    this.#gateway = gateway;
    this.ended = this.#allEnded.promise;
    this.serve(bound);
  }

  /** Where it listens. */
  get urls(): URL[] {
    return [...this.#served].flatMap(({ listeners }) => listeners.map(({ url }) => url));
  }

  /** Accepts on addresses. */
  serve(bound: readonly Bound[]): void {
    for (const { endpoint, listeners } of bound) {
      const hardEnd = new AbortController();
      const serving = listeners.map((listener) => this.#gateway.serve(listener, hardEnd.signal));
      const served: Served = {
        endpoint,
        listeners,
        hardEnd,
        ended: Promise.all(serving).then(() => {
          this.#served.delete(served);
          if (this.#served.size === 0) this.#allEnded.resolve();
        }, this.#allEnded.reject),
      };
      this.#served.add(served);
    }
  }

  /**
   * Stops accepting on addresses; returns before everything that was accepted there has ended.
   *
   * @param drainMs it has so long, ms
   */
  async close(endpoints: readonly Endpoint[], drainMs: number): Promise<void> {
    for (const served of this.#served) {
      if (!endpoints.includes(served.endpoint)) continue;
      await stop(served.listeners);
      const timer = setTimeout(() => served.hardEnd.abort(), drainMs);
      void served.ended.finally(() => clearTimeout(timer));
    }
  }

  /**
   * Stops accepting everywhere.
   *
   * @returns waits until everything that was accepted has left
   */
  async stop(): Promise<() => Promise<unknown>> {
    const all = [...this.#served];
    for (const { listeners } of all) await stop(listeners);
    return () =>
      Promise.all(all.flatMap(({ ended, listeners }) => [
        ended,
        ...listeners.map(({ closed }) => closed),
      ]));
  }
}

async function stop(listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) await listener[Symbol.asyncDispose]();
}
