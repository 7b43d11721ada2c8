/**
 * One connection to the server for all clients.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import { LateReceiver } from "../core/late_receiver.ts";
import type { Message } from "../core/message.ts";
import type { Conversations, SharedConversation, Upstream } from "../core/upstream.ts";
import { type Dial, UpstreamClient } from "./client.ts";
import type { LinkEvents, LinkOptions } from "./link_options.ts";
import type { MemberCircuit } from "./pool/pool_options.ts";

/** An upstream that all clients share. */
export class SharedUpstream implements Upstream {
  readonly name: string;
  /** In a pool: told when it should be replaced. */
  onFailed: ((reason: string) => void) | undefined;
  /** In a pool: its own breaker. */
  readonly circuit: MemberCircuit | undefined;
  readonly #client: UpstreamClient;
  readonly #conversations: Conversations;
  readonly #conversation: SharedConversation;
  readonly #sessions = new Set<Session>();

  constructor(
    name: string,
    dial: Dial,
    events: LinkEvents,
    options: LinkOptions,
    conversations: Conversations,
    circuit?: MemberCircuit,
  ) {
    this.name = name;
    this.circuit = circuit;
    const receiver = new LateReceiver();
    this.#client = new UpstreamClient(name, dial, receiver, events, options);
    this.#conversations = conversations;
    this.#conversation = conversations.ofAll(this.#client);
    receiver.bind(this.#conversation);
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    if (call.session.isSessionless) this.#watch(call);
    else this.#join(call.session);
    return this.#conversation.handle(call);
  };

  prepare(): Promise<void> {
    return this.#conversation.prepare();
  }

  load(): number {
    return this.#client.load;
  }

  ready(): boolean {
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#conversation[Symbol.dispose]();
    await this.#client[Symbol.asyncDispose]();
    this.#conversations[Symbol.dispose]();
  }

  /** A call of a client without session is cancelled at the server when the client leaves. */
  #watch(call: Call): void {
    call.signal.addEventListener("abort", () => this.#client.abandon(call), { once: true });
  }

  #join(session: Session): void {
    if (this.#sessions.has(session)) return;
    session.signal.throwIfAborted();
    this.#sessions.add(session);
    session.signal.addEventListener("abort", () => {
      this.#sessions.delete(session);
      this.#conversation.leave(session);
      this.#client.cancelAll(session);
    }, { once: true });
  }
}
