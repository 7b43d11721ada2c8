/**
 * Begins the conversations with one upstream.
 *
 * @module
 */
import type { Era } from "../core/eras.ts";
import type { Session } from "../core/handler.ts";
import type {
  Conversation,
  Conversations,
  OpenServer,
  Server,
  SessionlessConversations,
  SharedConversation,
} from "../core/upstream.ts";
import { EraMemory } from "./era_memory.ts";
import { HeldCalls } from "./held_calls.ts";
import { LogLevels } from "./log_levels.ts";
import { Negotiation, type NegotiationParts } from "./negotiation.ts";
import { RequestStates } from "./request_state.ts";
import { ResourceSubscriptions } from "./resource_subscriptions.ts";
import { Sessionless } from "./sessionless.ts";
import { Shared } from "./shared.ts";

/** Conversations in whichever eras the two sides speak. */
export class EraConversations implements Conversations {
  readonly #memory: EraMemory;
  readonly #held = new HeldCalls();
  readonly #states = new RequestStates();

  /** @param only the one era that the server is spoken to in; found out where it is left out */
  constructor(only?: Era) {
    this.#memory = new EraMemory(only);
  }

  ofSession(server: Server, session: Session): Conversation {
    return new Negotiation(server, session, this.#partsFor(server));
  }

  ofSessionless(open: OpenServer): SessionlessConversations {
    return new Sessionless(open, (server) => this.#partsFor(server));
  }

  ofAll(server: Server): SharedConversation {
    return new Shared(server, this.#partsFor(server));
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }

  #partsFor(server: Server): NegotiationParts {
    return {
      memory: this.#memory,
      held: this.#held,
      states: this.#states,
      state: {
        subscriptions: new ResourceSubscriptions(server),
        logLevels: new LogLevels(server),
      },
    };
  }
}
