/**
 * All clients, of both eras, on one connection to a server.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Conversation, Server, SharedConversation } from "../core/upstream.ts";
import { LegacyOnModern } from "./legacy_on_modern.ts";
import { LegacyOnShared } from "./legacy_on_shared.ts";
import { shakeHands } from "./modern_on_legacy.ts";
import { modernConversation, type NegotiationParts } from "./negotiation.ts";
import { EVERYTHING } from "./shared_client.ts";

/** See the module. */
export class Shared implements SharedConversation {
  readonly #server: Server;
  readonly #parts: NegotiationParts;
  /** Clients with a handshake, on a server of the sessionless era, or of their own. */
  readonly #onModern = new Map<Session, LegacyOnModern>();
  readonly #onLegacy = new Map<Session, LegacyOnShared>();
  #deciding: Promise<Conversation> | undefined;
  /** Sessionless clients. */
  #sessionless: Conversation | undefined;

  constructor(server: Server, parts: NegotiationParts) {
    this.#server = server;
    this.#parts = parts;
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const sessionless = await this.#decided();
    if (call.session.isSessionless || call.message.protocolVersion !== undefined) {
      return await sessionless.handle(call);
    }
    return await this.#ofSession(call.session).handle(call);
  };

  async prepare(): Promise<void> {
    await this.#decided();
    if (!this.#parts.memory.modern) await shakeHands(this.#server, EVERYTHING);
  }

  async notify(message: Message): Promise<void> {
    for (const client of this.#onLegacy.values()) client.notify(message);
    await this.#sessionless?.notify(message);
  }

  /** Asks the one client whose call can have caused the question. */
  ask(message: Message): Promise<Message> {
    const calls = this.#server.waitingCalls();
    if (calls.length === 1) return calls[0].ask(message);
    const [session, ...others] = new Set(calls.map((call) => call.session));
    if (session !== undefined && others.length === 0) return session.ask(message);
    throw new GatewayError(
      "MethodNotFound",
      `Cannot ask a client of upstream ${this.#server.name}: it is shared, and the request names no client`,
    );
  }

  cancelAsk(message: Message): void {
    for (const session of this.#onLegacy.keys()) session.cancelAsk(message);
    this.#sessionless?.cancelAsk(message);
  }

  leave(session: Session): void {
    this.#onModern.get(session)?.[Symbol.dispose]();
    this.#onModern.delete(session);
    this.#onLegacy.get(session)?.leave();
    this.#onLegacy.delete(session);
  }

  [Symbol.dispose](): void {
    for (const session of [...this.#onModern.keys(), ...this.#onLegacy.keys()]) this.leave(session);
    this.#sessionless?.[Symbol.dispose]();
  }

  /** Which era the server speaks; where it speaks both, the sessionless one is made for sharing. */
  async #decided(): Promise<Conversation> {
    this.#deciding ??= modernConversation(this.#server, EVERYTHING, this.#parts);
    try {
      return this.#sessionless = await this.#deciding;
    } catch (error) {
      this.#deciding = undefined; // it could not be reached
      throw error;
    }
  }

  #ofSession(session: Session): Pick<Conversation, "handle"> {
    if (this.#parts.memory.modern) {
      return ofMap(
        this.#onModern,
        session,
        () => new LegacyOnModern(this.#server, session),
      );
    }
    return ofMap(
      this.#onLegacy,
      session,
      () => new LegacyOnShared(this.#server, session, this.#parts.state),
    );
  }
}

function ofMap<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
