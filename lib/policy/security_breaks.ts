/**
 * Opens the circuit in front of a server that keeps failing in ways that concern security: its certificate, its
 * handshakes, what it says.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { OutcomeWindow } from "../core/outcome_window.ts";
import type { SecurityEvent } from "../core/security_event.ts";

/** When a circuit is opened. */
export interface SecurityBreakSettings {
  /** Events within the window; 0 for never. */
  readonly securityEvents: number;
  readonly windowMs: number;
}

/** The way to an endpoint, as long as it is watched. */
export interface WatchedEndpoint {
  /** A connection to it has been made: what its server does wrong next is of this endpoint. */
  connected(): void;
  /** Counts a failure of TLS while connecting. */
  failed(): void;
}

interface Watched {
  readonly open: () => void;
  readonly events: OutcomeWindow;
  readonly max: number;
}

/** The endpoints of all servers. */
export class SecurityBreaks {
  readonly #nowMs: () => number;
  /** Of each server the endpoint that was connected to last. */
  readonly #current = new Map<string, Watched>();

  constructor(nowMs: () => number = monotonicMs) {
    this.#nowMs = nowMs;
  }

  /**
   * Watches an endpoint.
   *
   * @param upstream name of its server
   * @param open opens its circuit
   */
  watch(upstream: string, settings: SecurityBreakSettings, open: () => void): WatchedEndpoint {
    const watched: Watched = {
      open,
      events: new OutcomeWindow(settings.windowMs),
      max: settings.securityEvents,
    };
    return {
      connected: () => void this.#current.set(upstream, watched),
      failed: () => this.#count(watched),
    };
  }

  /** Counts a violation of the protocol on a connection of a server; what happens while connecting is told there. */
  note({ type, upstream }: SecurityEvent): void {
    const watched = upstream === undefined ? undefined : this.#current.get(upstream);
    if (watched !== undefined && type === "protocol_violation") this.#count(watched);
  }

  #count({ open, events, max }: Watched): void {
    if (max === 0) return;
    const nowMs = this.#nowMs();
    events.note(true, nowMs);
    if (events.count(nowMs) < max) return;
    events.clear();
    open();
  }
}
