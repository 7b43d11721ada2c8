/**
 * Calls, and what handles them. A pool, a failover group, a cache tier and a remote node are all just
 * handlers, so they compose; a policy is a layer around one (the shape of tower's `Service` and `Layer`).
 *
 * @module
 */
import type { RequestInfo } from "./connection.ts";
import type { GatewayError } from "./errors.ts";
import type { Message } from "./message.ts";

/** One client, for as long as the gateway knows it. */
export interface Session {
  /** Visible ASCII, at least 128 random bits. Never logged whole, never a label. */
  readonly id: string;
  /** Whether it lasts for one request only: its client keeps no session. */
  readonly isSessionless: boolean;
  /** What this client named as its protocol version at `initialize`; `undefined` before. */
  readonly protocolVersion: string | undefined;
  /** Calls of this session that wait for an answer. */
  readonly callsInFlight: number;
  /** Aborts when the session has ended. */
  readonly signal: AbortSignal;
  /** Sends to the session's general stream; resolves when it has room. */
  notify(message: Message): Promise<void>;
  /** Asks the client on whatever stream reaches it; the answer carries the asker's id. */
  ask(message: Message): Promise<Message>;
  /** Forwards a cancellation of an earlier {@link Session.ask}, named by the id the asker used. */
  cancelAsk(message: Message): void;
}

/** One request or notification of a client on its way to an upstream. */
export interface Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  /** Aborts when the client cancelled, or its session ended. */
  readonly signal: AbortSignal;
  /** Towards the client, on this call's own stream; resolves when it has room. */
  notify(message: Message): Promise<void>;
  /** Asks the client on this call's own stream (sampling, elicitation, roots). */
  ask(message: Message): Promise<Message>;
}

/** Answers a call; resolves to `undefined` for notifications. Rejects with a `GatewayError`. */
export type Handler = (call: Call) => Promise<Message | undefined>;

/** A layer around a handler. */
export type Policy = (next: Handler) => Handler;

/** Which of the two eras a request opens or belongs to, and why it must be refused; `undefined` when it is fine. */
export type EraCheck = (
  message: Message,
  request: RequestInfo,
  isSessionless: boolean,
) => GatewayError | undefined;
