/**
 * Makes a lost connection again that only subscriptions need: who has subscribed waits and says nothing.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { pause } from "../core/waiting.ts";
import { Backoff } from "./backoff.ts";

/** Waits between tries, ms: the server may go on crashing. */
const BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** A connection that has lasted so long was none of a crashing server, ms. */
const STABLE_MS = 60_000;

/** See the module. */
export class Revival {
  readonly #isNeeded: () => boolean;
  readonly #connect: () => Promise<unknown>;
  readonly #closing: AbortSignal;
  readonly #backoff = new Backoff(BACKOFF);
  #connectedMs = 0;
  #running: Promise<void> | undefined;

  /**
   * @param isNeeded whether somebody waits for news, and there is no connection
   * @param closing aborts when nobody will any more
   */
  constructor(isNeeded: () => boolean, connect: () => Promise<unknown>, closing: AbortSignal) {
    this.#isNeeded = isNeeded;
    this.#connect = connect;
    this.#closing = closing;
  }

  /** Resolves when nothing is tried any more. */
  get ended(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** There is a connection. */
  connected(): void {
    this.#connectedMs = monotonicMs();
  }

  /** It was lost. */
  lost(): void {
    if (this.#isNeeded()) this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  async #run(): Promise<void> {
    if (monotonicMs() - this.#connectedMs > STABLE_MS) this.#backoff.succeeded();
    while (this.#isNeeded()) {
      this.#backoff.failed();
      try {
        await pause(this.#backoff.delayMs, this.#closing);
        await this.#connect();
      } catch {
        if (this.#closing.aborted) return; // else it is tried again
      }
    }
  }
}
