/**
 * Upstreams: the handlers at the far end of the path, and what they are made of.
 *
 * @module
 */
import type { Call, Handler, Session } from "./handler.ts";
import type { Message } from "./message.ts";

/** Something that answers calls: one server, or a group that behaves like one. */
export interface Upstream extends AsyncDisposable {
  readonly name: string;
  readonly handle: Handler;
  /** Gets ready for a session before its first call; rejects with a `GatewayError` when that is hopeless. */
  prepare?(session: Session): Promise<void>;
  /** It will be disposed soon and is given nothing new: what it holds in reserve can go at once. */
  drain?(): void;
  /** Calls in flight. */
  load(): number;
  /** Whether a call handed over now has a chance. */
  ready(): boolean;
}

/** Picks one of the ready upstreams for a call. */
export type Balancer = (ready: readonly Upstream[], call: Call) => Upstream | undefined;

/** Where the unasked messages of a server go. */
export interface Receiver {
  /** A notification that belongs to no call. Resolves when there is room for the next. */
  notify(message: Message): Promise<void>;
  /** A request of the server; resolves to the client's answer. Rejects with a `GatewayError`. */
  ask(message: Message): Promise<Message>;
  /** The server no longer wants the answer to a request. */
  cancelAsk(message: Message): void;
}

/** One server, reached over any number of connections after each other. */
export interface Server {
  readonly name: string;
  /** Sends a client's request; resolves to the answer under the client's id. Rejects with a `GatewayError`. */
  request(call: Call): Promise<Message>;
  /** Sends a request of the gateway itself. Rejects with a `GatewayError`. */
  ask(message: Message): Promise<Message>;
  /** Sends a notification. */
  send(message: Message): Promise<void>;
  /**
   * Makes the gateway's own handshake, unless one stands already; resolves to the server's answer to it.
   *
   * @param initialized what completes it; where it is left out, a later call completes it
   */
  handshake(initialize: Message, initialized?: Message): Promise<Message>;
  /** Forwards a client's cancellation, which names the request by the client's id. */
  cancel(session: Session, message: Message): void;
  /** Tells the server that nobody waits for a call any more; the call fails. */
  abandon(call: Call): void;
  /** The same for every call of a session that has gone. */
  cancelAll(session: Session): void;
  /** Calls that wait for an answer. */
  waitingCalls(): Call[];
  /** Gives the gateway's own handshake up, and its connection; the next message starts anew. */
  undoHandshake(): Promise<void>;
}

/** What a client, or several, have with one server, whatever eras the two sides speak. */
export interface Conversation extends Receiver, Disposable {
  readonly handle: Handler;
}

/** A conversation of all clients with a server that they share. */
export interface SharedConversation extends Conversation {
  /** Gets ready for the first client; rejects when the server cannot be reached. */
  prepare(): Promise<void>;
  /** A client has gone. */
  leave(session: Session): void;
}

/** What sessionless clients have with a server, over as many connections as that takes. */
export interface SessionlessConversations extends AsyncDisposable {
  readonly handle: Handler;
  /** Calls in flight. */
  load(): number;
}

/** A connection to a server, and its end. */
export interface OpenedServer extends Server, AsyncDisposable {
  /** Calls in flight. */
  readonly load: number;
}

/** Opens one more connection to a server, whose unasked messages go to the receiver. */
export type OpenServer = (receiver: Receiver) => OpenedServer;

/** Begins conversations with one server. */
export interface Conversations extends Disposable {
  /** Of one client that has a connection to the server to itself. */
  ofSession(server: Server, session: Session): Conversation;
  /** Of all sessionless clients. */
  ofSessionless(open: OpenServer): SessionlessConversations;
  /** Of all clients over one connection. */
  ofAll(server: Server): SharedConversation;
}
