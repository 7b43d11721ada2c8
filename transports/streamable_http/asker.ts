/**
 * One request towards a server and what becomes of it: exactly one response under its id is delivered,
 * or it is dropped.
 *
 * @module
 */
import { failure } from "../../lib/core/compose.ts";
import type { GatewayError } from "../../lib/core/errors.ts";
import { isModernVersion } from "../../lib/core/eras.ts";
import type { Message } from "../../lib/core/message.ts";
import type { MessageContext } from "../../lib/core/message_context.ts";
import { type IdKey, idKey } from "../../lib/core/message_id.ts";
import { offProtocol } from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";
import type { Registered } from "../http/registry.ts";
import type { Inbox } from "./inbox.ts";
import { underId } from "./refusal.ts";

/** A request that waits for its response. */
export class Asker implements Registered {
  place = -1;
  readonly message: Message;
  readonly flight: Flight;
  /** Whether the request travels the way of the era without sessions. */
  readonly isModern: boolean;
  readonly #inbox: Inbox;
  readonly #onSettled: () => void;
  readonly #key: IdKey;
  #context: MessageContext | undefined;
  #isSettled = false;

  /** @param onSettled called once, when the answer was delivered or the request dropped */
  constructor(message: Message, flight: Flight, inbox: Inbox, onSettled: () => void) {
    this.message = message;
    this.flight = flight;
    this.isModern = isModernRequest(message);
    this.#inbox = inbox;
    this.#onSettled = onSettled;
    this.#key = idKey(message.id!);
  }

  /** Whether nothing more is expected. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether a cancellation means this request. */
  isNamedBy(key: IdKey): boolean {
    return key === this.#key;
  }

  /** Whether the reader of what is delivered keeps up, see {@link Inbox.room}. */
  room(): Promise<void> | undefined {
    return this.#inbox.room();
  }

  /**
   * Takes a message of the answer: delivers it, except the response to this request, which it returns.
   *
   * @throws {GatewayError} UpstreamProtocolError when it is no message
   */
  take(message: Message): Message | undefined {
    if (message.kind === "invalid") throw offProtocol(message.problem!.message);
    if (message.kind !== "response") {
      this.#context ??= { cause: this.message.id! };
      this.#inbox.deliverOne(message.withContext(this.#context));
      return undefined;
    }
    const { id } = message;
    if (id === undefined) return underId(message, this.message.id!);
    if (idKey(id) === this.#key) return message;
    this.#inbox.deliverOne(message); // of another request, or of none: the correlator knows
    return undefined;
  }

  /** Whether an answer in JSON can be for this request. */
  isFor(message: Message): boolean {
    const { id } = message;
    return message.kind === "response" && (id === undefined || idKey(id) === this.#key);
  }

  /** Delivers the response, unless there was one. */
  settle(response: Message): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#inbox.deliverOne(response);
    this.#onSettled();
  }

  /** Answers the request with an error, unless it has its answer. */
  fail(error: GatewayError): void {
    this.settle(failure(this.message.id, error));
  }

  /** Gives the request up without an answer: nobody wants one any more. */
  drop(reason: GatewayError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.flight.abort(reason);
    this.#onSettled();
  }
}

/** Whether a message is a request of the era without sessions. */
export function isModernRequest(message: Message): boolean {
  const version = message.kind === "request" ? message.protocolVersion : undefined;
  return version !== undefined && isModernVersion(version);
}
