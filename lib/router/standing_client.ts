/**
 * What a client with a session has agreed on, so that another server, or several, can be brought to where
 * the one before was.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import { Changes } from "./changes.ts";
import { isListMethod, type ListKind, LISTS } from "./lists.ts";
import { OwnCall } from "./own_call.ts";
import { INITIALIZED } from "./seat.ts";

/** Resources that are subscribed to anew. */
const SUBSCRIPTIONS_MAX = 1_000;

/** See the module. Dispose it when the client has gone. */
export class StandingClient implements Disposable {
  readonly #session: Session;
  readonly #listed = new Set<ListKind>();
  readonly #subscriptions = new Map<string, Message>();
  #initialize: Message | undefined;
  #isInitialized = false;
  #logLevel: Message | undefined;
  /** Where the client is known. */
  #target: Upstream | undefined;
  #arriving: Promise<void> | undefined;
  #changes: Changes | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Takes note of what the client says. */
  note(message: Message): void {
    const { method, uri } = message;
    if (isListMethod(method)) this.#listed.add(LISTS[method].kind);
    switch (method) {
      case "initialize":
        this.#initialize = message;
        return;
      case "notifications/initialized":
        this.#isInitialized = true;
        return;
      case "logging/setLevel":
        this.#logLevel = message;
        return;
      case "resources/subscribe":
        if (this.#subscriptions.size < SUBSCRIPTIONS_MAX) this.#subscriptions.set(uri!, message);
        return;
      case "resources/unsubscribe":
        this.#subscriptions.delete(uri!);
    }
  }

  /** There is another target: the lists that the client has are not true any more. */
  targetChanged(): void {
    this.#arriving = undefined;
    this.#changes ??= new Changes((message) => void this.#session.notify(message));
    for (const kind of this.#listed) this.#changes.note(kind);
  }

  /**
   * Makes the client known at the target, in its own words, before its next call there.
   *
   * @param call the one that is to follow
   * @returns `undefined` when it is known there; else rejects with a `GatewayError` when it is not taken
   */
  arriveAt(target: Upstream, call: Call): Promise<void> | undefined {
    const { message } = call;
    if (this.#target === undefined || message.method === "initialize") this.#target = target;
    if (this.#target === target || this.#initialize === undefined) return undefined;
    if (this.#arriving === undefined) {
      const arriving = this.#arrive(target, this.#initialize, call).finally(() => {
        if (this.#arriving === arriving) this.#arriving = undefined;
      });
      this.#arriving = arriving;
    }
    return this.#arriving;
  }

  [Symbol.dispose](): void {
    this.#changes?.[Symbol.dispose]();
  }

  async #arrive(target: Upstream, initialize: Message, { request }: Call): Promise<void> {
    const say = (message: Message) => target.handle(new OwnCall(message, request, this.#session));
    const answer = await say(own(initialize));
    if (answer?.isError) throw refused(target.name, answer);
    if (this.#isInitialized) await say(INITIALIZED);
    for (const repeated of [this.#logLevel, ...this.#subscriptions.values()]) {
      if (repeated !== undefined) say(own(repeated)).catch(() => {}); // the new server need not have it
    }
    this.#target = target;
  }
}

const encoder = new TextEncoder();

/** The same under an id that no client uses. */
function own(message: Message): Message {
  return message.withId(encoder.encode(`"${crypto.randomUUID()}"`));
}

function refused(name: string, answer: Message): GatewayError {
  return new GatewayError(
    "UpstreamUnavailable",
    `Cannot use upstream ${name}: it refused the handshake: ${answer.json().error.message}`,
    { data: { outcome: "not_sent" } },
  );
}
