/**
 * The requests under way on one client connection, each in the manner of its era.
 *
 * @module
 */
import { GatewayError } from "../../lib/core/errors.ts";
import type { Message } from "../../lib/core/message.ts";
import type { IdKey } from "../../lib/core/message_id.ts";
import type { Flight, Flights } from "../http/flight.ts";
import { Registry } from "../http/registry.ts";
import { Asker } from "./asker.ts";
import { type ClientLimits, PostCall } from "./call.ts";
import type { Inbox } from "./inbox.ts";
import { ParamHeaders } from "../../lib/core/param_headers.ts";
import type { HttpSession } from "./session.ts";
import { type KnownTools, lasts, SingleCall } from "./single_call.ts";
import { ToolRefresh } from "./tool_refresh.ts";

/** Bounds and hooks of the requests of a connection. */
export interface CallsSettings extends ClientLimits {
  /** Subscriptions open at once, a socket each. */
  readonly subscriptionsMax: number;
  /** Told of a tool that is left out of the lists that pass. */
  readonly onToolRefused: (reason: string) => void;
}

/** Open requests. */
export class Calls {
  readonly #askers = new Registry<Asker>();
  readonly #session: HttpSession;
  readonly #inbox: Inbox;
  readonly #settings: CallsSettings;
  readonly #tools: KnownTools;
  #subscriptions = 0;
  #hasSpokenModern = false;

  constructor(session: HttpSession, inbox: Inbox, flights: Flights, settings: CallsSettings) {
    this.#session = session;
    this.#inbox = inbox;
    this.#settings = settings;
    const params = new ParamHeaders(settings.onToolRefused);
    this.#tools = { params, refresh: new ToolRefresh(session, params, flights, settings) };
  }

  /**
   * Sends a request and delivers what comes back.
   *
   * @param onSettled called when it has its answer, or needs none any more
   * @throws {SessionGone} after the failure was delivered
   */
  async run(message: Message, flight: Flight, onSettled: () => void): Promise<void> {
    const asker = new Asker(message, flight, this.#inbox, () => {
      this.#askers.delete(asker);
      onSettled();
    });
    this.#askers.add(asker);
    if (!asker.isModern) return await new PostCall(asker, this.#session, this.#settings).run();
    this.#hasSpokenModern = true;
    if (!lasts(message)) return await this.#runSingle(asker);
    const { subscriptionsMax } = this.#settings;
    if (this.#subscriptions >= subscriptionsMax) return asker.fail(tooMany(subscriptionsMax));
    this.#subscriptions++;
    await this.#runSingle(asker).finally(() => this.#subscriptions--);
  }

  #runSingle(asker: Asker): Promise<void> {
    return new SingleCall(asker, this.#session, this.#tools, this.#settings).run();
  }

  /**
   * Cancels a request of the era without sessions by closing its stream. False when the cancellation
   * has to be sent: it is not for such a request.
   */
  cancelModern(key: IdKey): boolean {
    for (const asker of this.#askers.all()) {
      if (!asker.isModern || !asker.isNamedBy(key)) continue;
      asker.drop(CANCELLED);
      return true;
    }
    return this.#hasSpokenModern && !this.#session.isNegotiated; // too late, and nobody to tell
  }

  /** Forgets a request whose cancellation was delivered: it may stay unanswered, and its stream open, for ever. */
  drop(key: IdKey): void {
    for (const asker of this.#askers.all()) if (asker.isNamedBy(key)) asker.drop(CANCELLED);
  }

  /** Answers all with an error. */
  fail(reason: GatewayError): void {
    for (const asker of this.#askers.all()) asker.fail(reason);
  }
}

function tooMany(count: number): GatewayError {
  return new GatewayError("Overloaded", `Cannot subscribe: ${count} subscriptions are open`);
}

const CANCELLED = new GatewayError("InternalError", "Cannot answer: the request was cancelled");
