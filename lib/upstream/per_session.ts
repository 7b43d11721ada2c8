/**
 * One connection to the server for each client session: full isolation, and the handshake passes
 * through untouched.
 *
 * @module
 */
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import { type Dial, UpstreamClient } from "./client.ts";
import type { LinkEvents, LinkOptions } from "./link.ts";

/** An upstream that opens a connection per session and closes it with the session. */
export class PerSessionUpstream implements Upstream {
  readonly name: string;
  readonly #dial: Dial;
  readonly #events: LinkEvents;
  readonly #options: LinkOptions;
  readonly #clients = new Map<Session, UpstreamClient>();
  readonly #closing = new Set<Promise<void>>();

  constructor(name: string, dial: Dial, events: LinkEvents, options: LinkOptions) {
    this.name = name;
    this.#dial = dial;
    this.#events = events;
    this.#options = options;
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    const client = this.#clientOf(call.session);
    if (call.message.kind === "request") return client.request(call);
    if (call.message.method === "notifications/cancelled") {
      client.cancel(call.session, call.message);
      return Promise.resolve(undefined);
    }
    return client.send(call.message).then(() => undefined);
  };

  prepare(session: Session): Promise<void> {
    return this.#clientOf(session).prepare();
  }

  load(): number {
    let calls = 0;
    for (const client of this.#clients.values()) calls += client.load;
    return calls;
  }

  ready(): boolean {
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#clients.keys()]) this.#close(session);
    await Promise.all(this.#closing);
  }

  #clientOf(session: Session): UpstreamClient {
    let client = this.#clients.get(session);
    if (client === undefined) {
      session.signal.throwIfAborted();
      client = new UpstreamClient(this.name, this.#dial, session, this.#events, this.#options);
      this.#clients.set(session, client);
      session.signal.addEventListener("abort", () => this.#close(session), { once: true });
    }
    return client;
  }

  #close(session: Session): void {
    const client = this.#clients.get(session);
    if (client === undefined) return;
    this.#clients.delete(session);
    const closing = client[Symbol.asyncDispose]().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
