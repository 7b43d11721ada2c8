/**
 * Supervises one process of, or one connection to, a server: counts how often it is started again, leaves it
 * alone when that is too often, and heals it when it hangs.
 *
 * @module
 */
import type { GatewayError } from "../core/errors.ts";
import type { DialledConnection } from "./connection_watch.ts";
import { type Dial, withWatch } from "./connection_watch.ts";
import { circuitOpen } from "./endpoint.ts";
import { heal, type HealingEvents, type HealingStep, type Patient } from "./healing.ts";
import type { Supervisee } from "./link_options.ts";
import type { RestartIntensity } from "./restart_intensity.ts";
import { type HangOptions, Ward } from "./ward.ts";

/** What supervision reports, for counters and logs. */
export interface SupervisionEvents extends HealingEvents {
  /** The server was started, or connected to, again after it had ended. */
  restarted(): void;
  /** It has ended too often, and is left alone for so long, ms. */
  failed(waitMs: number): void;
}

/** How a server is supervised. */
export interface SupervisionOptions extends HangOptions {
  /** Between the steps of healing, ms. */
  readonly stepMs: number;
}

/** What one supervisor looks after. */
export interface Charge {
  readonly upstream: string;
  readonly intensity: RestartIntensity;
  readonly options: SupervisionOptions;
  readonly events: SupervisionEvents;
  /** Gives its place in a pool to another. */
  readonly reset?: () => void;
}

/**
 * The same way to a server, supervised.
 *
 * @param client who dials
 * @param closing aborts when nobody will any more
 */
export function supervised(
  dial: Dial,
  client: Supervisee,
  closing: AbortSignal,
  charge: Charge,
): Dial {
  const supervisor = new Supervisor(dial, client, closing, charge);
  return Object.assign(supervisor.dial, { isPaced: () => supervisor.isPaced() });
}

class Supervisor implements Patient {
  readonly #dial: Dial;
  readonly #client: Supervisee;
  readonly #closing: AbortSignal;
  readonly #charge: Charge;
  #clearing = new AbortController();
  #newest: Ward | undefined;
  #isHealing = false;

  constructor(dial: Dial, client: Supervisee, closing: AbortSignal, charge: Charge) {
    this.#dial = dial;
    this.#client = client;
    this.#closing = closing;
    this.#charge = charge;
  }

  readonly dial = async (signal: AbortSignal): Promise<DialledConnection> => {
    this.#throwWhileFailed();
    const { intensity, events } = this.#charge;
    const given = AbortSignal.any([signal, this.#clearing.signal]);
    const connection = await this.#dial(given);
    if (intensity.started(connection.watch?.where)) events.restarted();
    return this.#watched(connection);
  };

  isPaced(): boolean {
    this.#throwWhileFailed();
    return this.#dial.isPaced?.() ?? false;
  }

  take(step: HealingStep): void {
    switch (step) {
      case "restart":
        return this.#newest?.end();
      case "clear":
        this.#clearing.abort(new DOMException("the server hangs", "AbortError"));
        this.#clearing = new AbortController();
        return this.#newest?.end();
      case "reset":
        return this.#charge.reset?.();
      case "fallback":
        this.#newest?.condemn();
        return this.#newest?.end();
    }
  }

  async isWell(): Promise<boolean> {
    try {
      await this.#client.prepare();
      return await this.#newest?.answers() ?? false;
    } catch {
      return false; // why is told to whoever calls
    }
  }

  #throwWhileFailed(): void {
    const { waitMs } = this.#charge.intensity;
    if (waitMs > 0) throw circuitOpen(this.#charge.upstream, waitMs);
  }

  #watched(connection: DialledConnection): DialledConnection {
    const { watch, closed } = connection;
    let isOver = false;
    const ended = () => {
      if (!isOver) this.#ended(watch?.where, watch?.isProcess);
      isOver = true;
    };
    closed.then(ended, ended);
    const abort = (reason: GatewayError) => {
      ended(); // its process may take its time, and another be started meanwhile
      connection.abort(reason);
    };
    const { options } = this.#charge;
    const hung = (one: Ward) => void this.#heal(one);
    const ward = watch && new Ward(watch, { closed, abort }, options, hung);
    this.#newest = ward;
    return withWatch(connection, ward, (how) => how === "aborted" ? ended() : isOver = true);
  }

  #ended(where: unknown, isProcess: boolean | undefined): void {
    const { intensity, events } = this.#charge;
    if (intensity.ended(where, isProcess)) events.failed(intensity.waitMs);
  }

  /** One that was left for another ends without further ado. */
  async #heal(ward: Ward): Promise<void> {
    if (ward !== this.#newest) return ward.end();
    if (this.#isHealing) return;
    this.#isHealing = true;
    const { options, events } = this.#charge;
    try {
      await heal(this, options.stepMs, events, this.#closing);
    } catch {
      // nobody uses the server any more
    } finally {
      this.#isHealing = false;
    }
  }
}
