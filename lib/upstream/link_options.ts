/**
 * What the owner of a connection to a server decides about it, and hears of it.
 *
 * @module
 */
import type { GatewayError } from "../core/errors.ts";
import type { OutboxOptions } from "../core/outbox.ts";
import type { Dial } from "./connection_watch.ts";

/** What a link reports, for counters. */
export interface LinkEvents {
  /** An answer to no open question: late, repeated or under a wrong id. */
  lateAnswer(): void;
  /** Something that is no message. */
  badMessage(problem: GatewayError): void;
  /** The server has other tools than before. */
  toolsChanged?(): void;
}

/** Limits of a link. */
export interface LinkOptions {
  readonly callDeadlineMs: number;
  readonly callDeadlineHardMs: number;
  readonly callsOpenMax: number;
  /** Limits of what waits for the server. */
  readonly buffer?: Partial<OutboxOptions>;
  /** Has an eye on what a client dials. */
  readonly supervise?: (dial: Dial, client: Supervisee, closing: AbortSignal) => Dial;
}

/** Who dials, as its supervisor knows it. */
export interface Supervisee {
  /** Has a connection to the server, handshake included. */
  prepare(): Promise<void>;
}
