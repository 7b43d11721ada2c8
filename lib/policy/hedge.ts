/**
 * Asks a second time when the answer is slow to come, where that cannot do harm; the first answer wins
 * (Dean and Barroso, "The Tail at Scale"). Costs the server up to twice the work, so nobody gets it unasked.
 *
 * @module
 */
import { CallCopy } from "../core/call_copy.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { idBytes } from "../core/message_id.ts";
import type { CallSafety } from "./call_safety.ts";

/** How slow answers are treated. */
export interface HedgeOptions {
  readonly safety: CallSafety;
  /** Without an answer after this the call is sent again, ms. */
  readonly hedgeMs: number;
  /** Told of every call that is sent again. */
  readonly onHedge?: (method: string) => void;
}

/** A layer that sends slow calls twice. */
export function hedgeSafe({ safety, hedgeMs, onHedge }: HedgeOptions): Policy {
  let copies = 0;
  return (next: Handler): Handler => async (call) => {
    const { message } = call;
    if (message.kind !== "request" || !safety.isSafe(message)) return await next(call);
    return await new Race(next, call, () => {
      onHedge?.(message.method!);
      return idBytes(++copies);
    }).run(hedgeMs);
  };
}

const ID_PREFIX = new TextEncoder().encode('"hedge-');

/** One call, and its second try. */
class Race {
  readonly #next: Handler;
  readonly #call: Call;
  readonly #number: () => Uint8Array;
  readonly #result = Promise.withResolvers<Message | undefined>();
  readonly #copies: CallCopy[] = [];
  #underWay = 0;

  constructor(next: Handler, call: Call, number: () => Uint8Array) {
    this.#next = next;
    this.#call = call;
    this.#number = number;
  }

  async run(hedgeMs: number): Promise<Message | undefined> {
    const { signal } = this.#call;
    const giveUp = () => this.#cancelOthers(undefined, "client has gone");
    signal.addEventListener("abort", giveUp, { once: true });
    this.#begin(new CallCopy(this.#call, { isHeard: true }));
    const timer = setTimeout(() => {
      if (signal.aborted) return;
      const id = quoted(this.#number());
      this.#begin(new CallCopy(this.#call, { id, isHeard: false }));
    }, hedgeMs);
    try {
      return await this.#result.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  #begin(copy: CallCopy): void {
    this.#copies.push(copy);
    this.#underWay++;
    this.#next(copy).then((answer) => {
      this.#cancelOthers(copy, "answered by another");
      this.#result.resolve(answer?.withId(this.#call.message.id!));
    }, (error) => {
      if (--this.#underWay === 0) this.#result.reject(error);
    });
  }

  #cancelOthers(winner: CallCopy | undefined, reason: string): void {
    for (const copy of this.#copies) if (copy !== winner) copy.cancel(this.#next, reason);
  }
}

/** An id that no client uses. */
function quoted(number: Uint8Array): Uint8Array {
  const id = new Uint8Array(ID_PREFIX.length + number.length + 1);
  id.set(ID_PREFIX);
  id.set(number, ID_PREFIX.length);
  id[id.length - 1] = 0x22;
  return id;
}
