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
import { HeldCall } from "./held_call.ts";
import { ModernOnLegacy, shakeHands } from "./modern_on_legacy.ts";
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
    const { session } = call;
    if (this.#isSessionless(call)) return await sessionless.handle(call);
    session.signal.throwIfAborted(); // it has left, and nothing would end what is begun for it now
    return await this.#ofSession(session, sessionless).handle(call);
  };

  async prepare(): Promise<void> {
    const sessionless = await this.#decided();
    if (sessionless instanceof ModernOnLegacy) await shakeHands(this.#server, EVERYTHING);
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
    const areHeld = calls.some((call) => call instanceof HeldCall); // such a client is asked in an answer
    if (session !== undefined && others.length === 0 && !areHeld) return session.ask(message);
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

  /** What a client says without naming its era is of the one that it began with. */
  #isSessionless({ session, message }: Call): boolean {
    if (session.isSessionless || message.protocolVersion !== undefined) return true;
    return message.kind !== "request" && !this.#onModern.has(session) &&
      !this.#onLegacy.has(session);
  }

  #ofSession(session: Session, sessionless: Conversation): Pick<Conversation, "handle"> {
    if (!(sessionless instanceof ModernOnLegacy)) {
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
