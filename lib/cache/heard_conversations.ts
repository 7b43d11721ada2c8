/**
 * Conversations with a server, and somebody who hears all that the server tells by itself, whoever it is meant for.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import { isListen } from "../core/listen.ts";
import type { Message } from "../core/message.ts";
import type {
  Conversation,
  Conversations,
  OpenedServer,
  OpenServer,
  Receiver,
  Server,
  SessionlessConversations,
  SharedConversation,
} from "../core/upstream.ts";
import { HeardCall } from "./heard_call.ts";

/** Who listens. */
export interface Listener {
  hear(message: Message): void;
  /** The server has taken a handshake of the gateway's own. */
  isLegacy(): void;
}

/** See the module. */
export class HeardConversations implements Conversations {
  readonly #conversations: Conversations;
  readonly #listener: Listener;

  constructor(conversations: Conversations, listener: Listener) {
    this.#conversations = conversations;
    this.#listener = listener;
  }

  ofSession(server: Server, session: Session): Conversation {
    const heard = new HeardServer(server, this.#listener);
    const conversation = this.#conversations.ofSession(heard, session);
    return heardConversation(conversation, this.#listener);
  }

  ofAll(server: Server): SharedConversation {
    const conversation = this.#conversations.ofAll(new HeardServer(server, this.#listener));
    return {
      ...heardConversation(conversation, this.#listener),
      prepare: () => conversation.prepare(),
      leave: (session) => conversation.leave(session),
    };
  }

  ofSessionless(open: OpenServer): SessionlessConversations {
    const listener = this.#listener;
    return this.#conversations.ofSessionless((receiver) => {
      const server = open(heardReceiver(receiver, listener));
      return new HeardOpenedServer(server, listener);
    });
  }

  [Symbol.dispose](): void {
    this.#conversations[Symbol.dispose]();
  }
}

function heardReceiver(receiver: Receiver, listener: Listener): Receiver {
  return {
    notify(message) {
      listener.hear(message);
      return receiver.notify(message);
    },
    ask: (message) => receiver.ask(message),
    cancelAsk: (message) => receiver.cancelAsk(message),
  };
}

function heardConversation(conversation: Conversation, listener: Listener): Conversation {
  return {
    ...heardReceiver(conversation, listener),
    handle: (call) => conversation.handle(call),
    [Symbol.dispose]: () => conversation[Symbol.dispose](),
  };
}

/** A server whose listen streams are heard: what they tell belongs to their calls, and reaches no receiver. */
class HeardServer implements Server {
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #streams = new WeakMap<Call, HeardCall>();

  constructor(server: Server, listener: Listener) {
    this.#server = server;
    this.#listener = listener;
  }

  get name(): string {
    return this.#server.name;
  }

  request(call: Call): Promise<Message> {
    if (!isListen(call.message)) return this.#server.request(call);
    const heard = new HeardCall(call, (message) => this.#listener.hear(message));
    this.#streams.set(call, heard);
    return this.#server.request(heard);
  }

  ask(message: Message): Promise<Message> {
    return this.#server.ask(message);
  }

  send(message: Message): Promise<void> {
    return this.#server.send(message);
  }

  async handshake(initialize: Message, initialized?: Message): Promise<Message> {
    const answer = await this.#server.handshake(initialize, initialized);
    if (!answer.isError) this.#listener.isLegacy();
    return answer;
  }

  cancel(session: Session, message: Message): void {
    this.#server.cancel(session, message);
  }

  abandon(call: Call): void {
    this.#server.abandon(this.#streams.get(call) ?? call);
  }

  cancelAll(session: Session): void {
    this.#server.cancelAll(session);
  }

  waitingCalls(): Call[] {
    return this.#server.waitingCalls();
  }

  undoHandshake(): Promise<void> {
    return this.#server.undoHandshake();
  }
}

class HeardOpenedServer extends HeardServer implements OpenedServer {
  readonly #opened: OpenedServer;

  constructor(server: OpenedServer, listener: Listener) {
    super(server, listener);
    this.#opened = server;
  }

  get load(): number {
    return this.#opened.load;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}
