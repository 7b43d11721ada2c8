/**
 * One question for all who ask it at the same time.
 *
 * @module
 */
import { CallCopy } from "../core/call_copy.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Call, Handler } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

/**
 * Whom an answer is for: all who wait, those of them whose private answers the first asker may see, or the first
 * asker alone. The others ask for themselves.
 */
export type Audience = "all" | "private" | "first";

/** How a flight ended. */
export interface Landing {
  /** What came; an error where none did. */
  readonly outcome: Message | GatewayError;
  readonly audience: Audience;
}

/** One request on its way, in the name of whoever asked first. */
export class Flight {
  /** Resolves when it has ended, in whatever way. Never rejects. */
  readonly landed: Promise<Landing>;
  readonly #next: Handler;
  readonly #copy: FlightCall;
  #waiting = 0;
  #hasLanded = false;

  /**
   * Sends the request.
   *
   * @param id raw, as no client uses it: a client's cancellation must not end what others wait for
   * @param judge whom an answer is for
   */
  constructor(next: Handler, leader: Call, id: Uint8Array, judge: (answer: Message) => Audience) {
    this.#next = next;
    this.#copy = new FlightCall(leader, id);
    this.landed = this.#fly(leader, judge);
  }

  /** Waits for the end; rejects when the call is cancelled before. The last to leave cancels the request. */
  async join(call: Call): Promise<Landing> {
    const { signal } = call;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(new GatewayError("InternalError", "Cannot answer: cancelled"));
    this.#waiting++;
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      return await Promise.race([this.landed, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--this.#waiting === 0 && !this.#hasLanded) {
        this.#copy.cancel(this.#next, "client has gone");
      }
    }
  }

  /** Whether nobody waits for it any more: whoever comes now must not rely on it. */
  get isAbandoned(): boolean {
    return this.#copy.signal.aborted;
  }

  async #fly(leader: Call, judge: (answer: Message) => Audience): Promise<Landing> {
    try {
      const answer = (await this.#next(this.#copy))!;
      return { outcome: answer, audience: this.#copy.hasAsked ? "first" : judge(answer) };
    } catch (thrown) {
      const hasLeft = leader.signal.aborted || leader.session.signal.aborted;
      return { outcome: toGatewayError(thrown), audience: hasLeft ? "first" : "all" };
    } finally {
      this.#hasLanded = true;
    }
  }
}

/** The request as it travels. Only its first asker hears what the server says about it, and can be asked. */
class FlightCall extends CallCopy {
  /** Whether the server has asked the client something: then the answer may depend on what the client said. */
  hasAsked = false;
  readonly #leader: Call;

  constructor(leader: Call, id: Uint8Array) {
    super(leader, { id, isHeard: true });
    this.#leader = leader;
  }

  override async notify(message: Message): Promise<void> {
    if (!this.#leader.signal.aborted) await super.notify(message);
  }

  override ask(message: Message): Promise<Message> {
    this.hasAsked = true;
    return super.ask(message);
  }
}
