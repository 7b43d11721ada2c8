/**
 * A client and a server of the same era: messages pass as they are, ids apart.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Conversation, Server } from "../core/upstream.ts";

/** With a handshake: what the server says by itself goes to the client's session. */
export class LegacyPassThrough implements Conversation {
  readonly #server: Server;
  readonly #session: Session;

  constructor(server: Server, session: Session) {
    this.#server = server;
    this.#session = session;
  }

  readonly handle = (call: Call): Promise<Message | undefined> => passOn(this.#server, call);

  notify(message: Message): Promise<void> {
    return this.#session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.#session.ask(message);
  }

  cancelAsk(message: Message): void {
    this.#session.cancelAsk(message);
  }

  [Symbol.dispose](): void {
    // everything it had belongs to the server or the session
  }
}

/** Sessionless: every message of the server belongs to a call, and reaches it there. */
export class ModernPassThrough implements Conversation {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  readonly handle = (call: Call): Promise<Message | undefined> => passOn(this.#server, call);

  /** On a byte stream nothing tells whose a log message is, unless only one call wants any. */
  async notify(message: Message): Promise<void> {
    if (message.method !== "notifications/message") return; // of no call, so for nobody
    const [only, ...others] = this.#server.waitingCalls().filter(wantsLog);
    if (only !== undefined && others.length === 0) await only.notify(message);
  }

  ask({ method }: Message): Promise<Message> {
    throw new GatewayError("MethodNotFound", `Cannot answer ${method}: servers ask in results`);
  }

  cancelAsk(): void {
    // it cannot have asked
  }

  [Symbol.dispose](): void {
    // everything it had belongs to the server or the session
  }
}

function wantsLog({ message }: Call): boolean {
  return message.metaField("logLevel") !== undefined;
}

async function passOn(server: Server, call: Call): Promise<Message | undefined> {
  const { message, session } = call;
  if (message.kind === "request") return await server.request(call);
  if (message.method === "notifications/cancelled") server.cancel(session, message);
  else await server.send(message);
}
