/**
 * The views of all clients: one for each session, one for all alike clients without sessions.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { catalogueKey } from "./catalogue.ts";
import { ClientView, type ViewParts } from "./client_view.ts";
import { protocolMetaOf } from "./message_edits.ts";
import { OwnSession } from "./own_call.ts";

/** Views of clients without sessions; the least recently used one goes when nobody listens on it. */
const SESSIONLESS_MAX = 64;

/** Finds and ends views. Dispose it to end all of them. */
export class Views implements Disposable {
  readonly #parts: ViewParts;
  readonly #bySession = new Map<Session, ClientView>();
  /** Least recently used first. */
  readonly #sessionless = new Map<string, ClientView>();

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  /** The view of the client that a call is of. */
  of(call: Call): ClientView {
    const { session, message } = call;
    if (session.isSessionless) return this.#withoutSession(call);
    const view = this.ofSession(session);
    if (message.protocolVersion !== undefined && view.initialize === undefined) {
      view.meta ??= protocolMetaOf(message);
      view.catalogueKey ??= keyOfModern(call);
    }
    return view;
  }

  /** The view of a session. */
  ofSession(session: Session): ClientView {
    let view = this.#bySession.get(session);
    if (view === undefined) {
      session.signal.throwIfAborted();
      const made = view = new ClientView(session, this.#parts);
      this.#bySession.set(session, view);
      session.signal.addEventListener("abort", () => {
        this.#bySession.delete(session);
        made[Symbol.dispose]();
      }, { once: true });
    }
    return view;
  }

  /** The servers have been exchanged. */
  exchanged(): void {
    for (const views of [this.#bySession, this.#sessionless]) {
      for (const view of views.values()) view.exchanged();
    }
  }

  [Symbol.dispose](): void {
    for (const views of [this.#bySession, this.#sessionless]) {
      for (const view of views.values()) view[Symbol.dispose]();
      views.clear();
    }
  }

  #withoutSession(call: Call): ClientView {
    const key = keyOfModern(call);
    let view = this.#sessionless.get(key);
    if (view === undefined) {
      view = new ClientView(new OwnSession(), this.#parts);
      view.catalogueKey = key;
      view.meta = protocolMetaOf(call.message);
    }
    view.lastUsedMs = monotonicMs();
    this.#sessionless.delete(key);
    this.#sessionless.set(key, view);
    this.#dropOldest();
    return view;
  }

  #dropOldest(): void {
    if (this.#sessionless.size <= SESSIONLESS_MAX) return;
    for (const [key, view] of this.#sessionless) {
      if (view.streams.size > 0) continue;
      this.#sessionless.delete(key);
      view[Symbol.dispose]();
      return;
    }
  }
}

function keyOfModern({ message, request }: Call): string {
  const version = message.protocolVersion ?? "";
  return catalogueKey(request, version, message.metaField("clientCapabilities"));
}

/** Whose lists may be shown to a client that makes a handshake. */
export function keyOfHandshake({ message, request }: Call, capabilities?: Uint8Array): string {
  return catalogueKey(request, handshakeVersion(message), capabilities);
}

function handshakeVersion(message: Message): string {
  return String(message.json().params?.protocolVersion);
}
