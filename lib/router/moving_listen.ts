/**
 * A client's listen stream that moves from one upstream to another without the client's noticing more than
 * a change of its lists.
 *
 * Source: MCP specification, basic/patterns/subscriptions, 2026-07-28.
 *
 * @module
 */
import { CallCopy } from "../core/call_copy.ts";
import type { Call, Handler } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { Changes } from "./changes.ts";
import type { ListKind } from "./lists.ts";
import { underListen } from "./message_edits.ts";

const KINDS: readonly ListKind[] = ["tools", "prompts", "resources"];

/** See the module. */
export class MovingListen {
  readonly #call: Call;
  readonly #handler: Handler;
  readonly #changes: Changes;
  #moved = Promise.withResolvers<"moved">();
  #isAcknowledged = false;

  /** @param handler hands over to whatever the target is at that time */
  constructor(call: Call, handler: Handler) {
    this.#call = call;
    this.#handler = handler;
    this.#changes = new Changes((message) => {
      this.#call.notify(underListen(message, call.message.id!)).catch(() => {}); // its client has gone
    });
  }

  /** Streams until the client leaves, or the server ends it. Rejects with a `GatewayError`. */
  async run(): Promise<Message | undefined> {
    const { signal } = this.#call;
    try {
      for (;;) {
        this.#moved = Promise.withResolvers();
        const copy = new CallCopy(this.#heard(), { isHeard: true });
        const handler = this.#handler;
        const leave = () => copy.cancel(() => Promise.resolve(undefined), "the client has left");
        signal.addEventListener("abort", leave, { once: true });
        if (signal.aborted) leave();
        const streamed = handler(copy);
        const end = await Promise.race([streamed, this.#moved.promise]);
        signal.removeEventListener("abort", leave);
        if (end !== "moved" || signal.aborted) return end === "moved" ? undefined : end;
        streamed.catch(() => {}); // it is to fail
        leave();
      }
    } finally {
      this.#changes[Symbol.dispose]();
    }
  }

  /** There is another target: the stream goes on from there. */
  move(): void {
    const filter = this.#call.message.json().params?.notifications;
    for (const kind of KINDS) {
      if (filter?.[`${kind}ListChanged`] === true) this.#changes.note(kind);
    }
    this.#moved.resolve("moved");
  }

  /** The call as its client sees it: acknowledged once. */
  #heard(): Call {
    const call = this.#call;
    return {
      message: call.message,
      request: call.request,
      session: call.session,
      signal: call.signal,
      notify: async (message) => {
        if (message.method === "notifications/subscriptions/acknowledged") {
          if (this.#isAcknowledged) return;
          this.#isAcknowledged = true;
        }
        await call.notify(message);
      },
      ask: (message) => call.ask(message),
    };
  }
}
