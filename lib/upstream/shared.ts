/**
 * One connection to the server for all sessions. The gateway makes the handshake itself, once, and
 * answers each client's `initialize` from it.
 *
 * @module
 */
import { notification, request, result } from "../core/compose.ts";
import { isLegacyVersion, LATEST_LEGACY_VERSION } from "../core/eras.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import { type Dial, UpstreamClient } from "./client.ts";
import type { LinkEvents, LinkOptions, Receiver } from "./link.ts";

/** Who the gateway says it is. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** An upstream that all sessions share. */
export class SharedUpstream implements Upstream {
  readonly name: string;
  readonly #client: UpstreamClient;
  readonly #sessions = new Set<Session>();
  readonly #initialize: Message;
  readonly #initialized = notification("notifications/initialized");

  constructor(
    name: string,
    dial: Dial,
    events: LinkEvents,
    options: LinkOptions,
    clientInfo: ClientInfo,
  ) {
    this.name = name;
    // No client capabilities: what one client can do must not be promised for all of them.
    this.#initialize = request(0, "initialize", {
      protocolVersion: LATEST_LEGACY_VERSION,
      capabilities: {},
      clientInfo,
    });
    this.#client = new UpstreamClient(name, dial, this.#receiver(), events, options);
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    this.#join(call.session);
    switch (call.message.method) {
      case "initialize":
        return this.#answerInitialize(call, await this.#handshake());
      case "notifications/initialized":
        return undefined;
      case "notifications/cancelled":
        return void this.#client.cancel(call.session, call.message);
    }
    await this.#handshake();
    if (call.message.kind === "request") return await this.#client.request(call);
    return void await this.#client.send(call.message);
  };

  async prepare(): Promise<void> {
    await this.#handshake();
  }

  load(): number {
    return this.#client.load;
  }

  ready(): boolean {
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  #handshake(): Promise<Message> {
    return this.#client.handshake(this.#initialize, this.#initialized);
  }

  /** The server's answer, in the version the client asked for where that is one with a handshake. */
  #answerInitialize(call: Call, answer: Message): Message {
    const { result: value, error } = answer.json();
    if (error !== undefined) return answer.withId(call.message.id!);
    const asked = call.message.json().params?.protocolVersion;
    const protocolVersion = isLegacyVersion(asked) ? asked : LATEST_LEGACY_VERSION;
    return result(call.message.id!, { ...value, protocolVersion });
  }

  #join(session: Session): void {
    if (this.#sessions.has(session)) return;
    session.signal.throwIfAborted();
    this.#sessions.add(session);
    session.signal.addEventListener("abort", () => {
      this.#sessions.delete(session);
      this.#client.cancelAll(session);
    }, { once: true });
  }

  #receiver(): Receiver {
    return {
      notify: (message) => {
        for (const session of this.#sessions) void session.notify(message);
        return Promise.resolve(); // a slow client must not hold up the others: it is bounded on its own
      },
      ask: (message) => this.#onlyAsker().ask(message),
      cancelAsk: (message) => {
        for (const session of this.#sessions) session.cancelAsk(message);
      },
    };
  }

  /** The session that a request of the server can only be meant for. */
  #onlyAsker(): Session {
    const [session, ...others] = this.#client.waitingSessions();
    if (session !== undefined && others.length === 0) return session;
    throw new GatewayError(
      "MethodNotFound",
      `Cannot ask a client of upstream ${this.name}: it is shared, and the request names no client`,
    );
  }
}
