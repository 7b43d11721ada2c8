/**
 * Turns the messages of a client into calls, and the outcome of each call into one answer.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { monotonicMs } from "../core/clock.ts";
import { DISCOVER_METHOD, noDiscovery } from "../core/eras.ts";
import { GatewayError, reasonOf, toGatewayError } from "../core/errors.ts";
import type { Call, EraCheck, Handler } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { ActiveCall } from "./active_call.ts";
import type { Outlet } from "./outlet.ts";
import type { ClientSession } from "./session.ts";

/** What the dispatcher reports, for counters and logs. */
export interface DispatchEvents {
  /** A request was answered; `outcome` is `ok`, `tool_error`, `error`, `cancelled` or the name of a failure; `errorCode` is that of the error answered. */
  answered(method: string, outcome: string, durationMs: number, errorCode?: unknown): void;
  /** The same of every call, also those that nobody waits for any more, with the call itself. */
  finished?(call: Call, outcome: string, durationMs: number): void;
  /** A notification that could not be delivered. */
  undelivered(method: string, reason: string): void;
}

/** Hands each message of a session to where it belongs. */
export class Dispatcher {
  readonly #handler: Handler;
  readonly #events: DispatchEvents;
  readonly #eraCheck: EraCheck;
  #draining = false;

  constructor(handler: Handler, events: DispatchEvents, eraCheck: EraCheck = () => undefined) {
    this.#handler = handler;
    this.#events = events;
    this.#eraCheck = eraCheck;
  }

  /** From now on new requests are refused as draining. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Takes one message. A request is answered through the outlet, sooner or later and exactly once; the
   * promise resolves when everything that has to be in order with later messages is done.
   */
  receive(
    session: ClientSession,
    message: Message,
    request: RequestInfo,
    outlet: Outlet,
  ): Promise<void> | undefined {
    switch (message.kind) {
      case "request":
        return void this.#call(new ActiveCall(session, message, request, outlet));
      case "response":
        return void session.settle(message);
      case "notification":
        return this.#forward(session, message, request, outlet);
      case "invalid":
        return outlet.refuse(message.problem!, message.id) as undefined;
    }
  }

  /** Not an async function: those cost 400 bytes a call. */
  #call(call: ActiveCall): void {
    let answer: Promise<Message | undefined>;
    try {
      this.#admit(call);
      call.session.begin(call);
      answer = this.#handler(call);
    } catch (error) {
      return this.#refuse(call, error);
    }
    answer.then((answer) => this.#answer(call, answer!), (error) => this.#refuse(call, error));
  }

  #answer(call: ActiveCall, answer: Message): void {
    let outcome: string;
    let code: unknown;
    try {
      if (call.message.method === "initialize") noteVersion(call.session, answer);
      outcome = outcomeOf(answer);
      if (answer.isError) code = answer.json().error?.code;
      if (!call.ended) call.outlet.answer(answer);
    } catch (error) {
      return this.#refuse(call, error);
    }
    this.#finish(call, outcome, code);
  }

  #refuse(call: ActiveCall, error: unknown): void {
    const refusal = toGatewayError(error);
    if (!call.ended) call.outlet.refuse(refusal, call.message.id);
    this.#finish(call, refusal.failure, refusal.code);
  }

  #finish(call: ActiveCall, outcome: string, code?: unknown): void {
    const { session, message } = call;
    session.finish(call);
    const durationMs = monotonicMs() - call.startMs;
    this.#events.finished?.(call, call.ended ? "cancelled" : outcome, durationMs);
    if (call.ended) this.#events.answered(message.method!, "cancelled", durationMs);
    else this.#events.answered(message.method!, outcome, durationMs, code);
  }

  #admit({ message, session, request }: ActiveCall): void {
    if (this.#draining) {
      throw new GatewayError("Overloaded", "Cannot accept request: the gateway is shutting down", {
        headers: { "retry-after": "1" },
      });
    }
    const isSessionless = session.isSessionless ||
      (message.protocolVersion !== undefined && session.protocolVersion === undefined);
    if (isSessionless || message.method === "initialize") {
      const problem = this.#eraCheck(message, request, isSessionless);
      if (problem !== undefined) throw problem;
    } else if (message.method === DISCOVER_METHOD) throw noDiscovery();
    const missing = missingParameter(message);
    if (missing !== undefined) {
      throw new GatewayError(
        "InvalidParams",
        `Cannot call ${message.method}: ${missing} is missing`,
        {
          status: 200,
        },
      );
    }
  }

  #forward(
    session: ClientSession,
    message: Message,
    request: RequestInfo,
    outlet: Outlet,
  ): Promise<void> | undefined {
    const forwarded = message.method === "notifications/progress"
      ? session.progressForAsker(message)
      : message;
    if (forwarded === undefined) return undefined;
    const call = new ActiveCall(session, forwarded, request, outlet);
    const done = this.#handler(call).then(
      () => {},
      (error) => this.#events.undelivered(message.method!, reasonOf(error)),
    );
    if (message.method === "notifications/cancelled") session.cancel(message);
    return done;
  }
}

/** The parameter without which a method makes no sense to any server. */
function missingParameter(message: Message): string | undefined {
  switch (message.method) {
    case "tools/call":
    case "prompts/get":
      return message.name === undefined ? "params.name" : undefined;
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return message.uri === undefined ? "params.uri" : undefined;
  }
}

function noteVersion(session: ClientSession, answer: Message): void {
  const version = answer.json().result?.protocolVersion;
  if (typeof version === "string") session.protocolVersion = version;
}

function outcomeOf(answer: Message): string {
  if (answer.isError) return "error";
  return answer.isToolError ? "tool_error" : "ok";
}
