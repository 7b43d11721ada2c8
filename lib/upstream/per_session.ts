/**
 * One connection to the server for each client session: full isolation. Clients without sessions are
 * served together.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import { LateReceiver } from "../core/late_receiver.ts";
import type { Message } from "../core/message.ts";
import type {
  Conversation,
  Conversations,
  Receiver,
  SessionlessConversations,
  Upstream,
} from "../core/upstream.ts";
import { type Dial, UpstreamClient } from "./client.ts";
import type { LinkEvents, LinkOptions } from "./link_options.ts";

/** What a session has with the server. */
interface Attachment {
  readonly client: UpstreamClient;
  readonly conversation: Conversation;
}

/** An upstream that opens a connection per session and closes it with the session. */
export class PerSessionUpstream implements Upstream {
  readonly name: string;
  readonly #dial: Dial;
  readonly #events: LinkEvents;
  readonly #options: LinkOptions;
  readonly #conversations: Conversations;
  readonly #attached = new Map<Session, Attachment>();
  readonly #closing = new Set<Promise<void>>();
  #sessionless: SessionlessConversations | undefined;

  constructor(
    name: string,
    dial: Dial,
    events: LinkEvents,
    options: LinkOptions,
    conversations: Conversations,
  ) {
    this.name = name;
    this.#dial = dial;
    this.#events = events;
    this.#options = options;
    this.#conversations = conversations;
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    if (!call.session.isSessionless) {
      return this.#attachmentOf(call.session).conversation.handle(call);
    }
    this.#sessionless ??= this.#conversations.ofSessionless((receiver) => this.#connect(receiver));
    return this.#sessionless.handle(call);
  };

  prepare(session: Session): Promise<void> {
    return this.#attachmentOf(session).client.prepare();
  }

  load(): number {
    let calls = this.#sessionless?.load() ?? 0;
    for (const { client } of this.#attached.values()) calls += client.load;
    return calls;
  }

  ready(): boolean {
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#attached.keys()]) this.#close(session);
    await this.#sessionless?.[Symbol.asyncDispose]();
    await Promise.all(this.#closing);
    this.#conversations[Symbol.dispose]();
  }

  #attachmentOf(session: Session): Attachment {
    let attachment = this.#attached.get(session);
    if (attachment === undefined) {
      session.signal.throwIfAborted();
      const receiver = new LateReceiver();
      const client = this.#connect(receiver);
      attachment = { client, conversation: this.#conversations.ofSession(client, session) };
      receiver.bind(attachment.conversation);
      this.#attached.set(session, attachment);
      session.signal.addEventListener("abort", () => this.#close(session), { once: true });
    }
    return attachment;
  }

  #connect(receiver: Receiver): UpstreamClient {
    return new UpstreamClient(this.name, this.#dial, receiver, this.#events, this.#options);
  }

  #close(session: Session): void {
    const attachment = this.#attached.get(session);
    if (attachment === undefined) return;
    this.#attached.delete(session);
    attachment.conversation[Symbol.dispose]();
    const closing = attachment.client[Symbol.asyncDispose]()
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
