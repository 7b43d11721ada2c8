/**
 * A call of a client that wants to hear less than the others on the server that they share.
 *
 * @module
 */
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { isLoud } from "./log_levels.ts";
import { RetriedCall } from "../core/retried_call.ts";

/** Passes log messages on from a level up. */
export class QuietCall extends RetriedCall {
  readonly #level: string;

  constructor(call: Call, level: string) {
    super(call, call.message);
    this.#level = level;
  }

  override notify(message: Message): Promise<void> {
    const isQuiet = message.method === "notifications/message" &&
      !isLoud(message.json().params?.level, this.#level);
    return isQuiet ? Promise.resolve() : super.notify(message);
  }
}
