/**
 * The listen stream behind one client with a handshake: what the client subscribed to, as the filter of
 * one long request, which is made anew when the filter changes or the stream is lost.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Server } from "../core/upstream.ts";
import { ListenCall } from "./listen_call.ts";
import { honoured, type ListenFilter } from "./listen_filter.ts";
import { type ClientSelf, metaOf } from "./protocol_meta.ts";

/** Waited before a lost stream is opened again, ms; doubled while it keeps failing. */
const AGAIN_MS = 100;
const AGAIN_MS_MAX = 30_000;

/** Everything a server can tell of by itself. */
const LISTS: ListenFilter = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
};

/** Keeps a listen stream open while there is something to listen for. Dispose it to end it. */
export class Listening implements Disposable {
  readonly #server: Server;
  readonly #session: Session;
  readonly #uris = new Set<string>();
  #client: ClientSelf | undefined;
  #lists: ListenFilter = {};
  #current: ListenCall | undefined;
  #againMs = AGAIN_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(server: Server, session: Session) {
    this.#server = server;
    this.#session = session;
  }

  /** Notes what the server can tell of. */
  learn(capabilities: Parameters<typeof honoured>[1]): void {
    this.#lists = honoured(LISTS, capabilities);
  }

  /** From now on the client is told of what changes. */
  begin(client: ClientSelf): void {
    if (this.#client !== undefined) return;
    this.#client = client;
    if (Object.keys(this.#lists).length > 0) this.#open().catch(() => {}); // opened again by a timer
  }

  /**
   * Adds a resource.
   *
   * @throws {GatewayError} when the server does not take the subscription
   */
  async subscribe(uri: string): Promise<void> {
    if (this.#uris.has(uri)) return;
    this.#uris.add(uri);
    try {
      const taken = await this.#open();
      if (taken.resourceSubscriptions?.includes(uri)) return;
      throw new GatewayError("InvalidParams", "Cannot subscribe: the server does not offer it");
    } catch (error) {
      this.#uris.delete(uri);
      throw error;
    }
  }

  /** Removes a resource. */
  async unsubscribe(uri: string): Promise<void> {
    if (this.#uris.delete(uri)) await this.#open();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#close(this.#current);
  }

  get #filter(): ListenFilter {
    if (this.#uris.size === 0) return this.#lists;
    return { ...this.#lists, resourceSubscriptions: [...this.#uris] };
  }

  /** Opens a stream with the filter as it is now; the one before ends when this one stands. */
  async #open(): Promise<ListenFilter> {
    clearTimeout(this.#timer);
    const before = this.#current;
    const filter = this.#filter;
    if (Object.keys(filter).length === 0) {
      this.#current = undefined;
      this.#close(before);
      return {};
    }
    const call = new ListenCall(this.#request(filter), this.#session);
    this.#current = call;
    const ended = this.#server.request(call).catch((error) => error);
    ended.then((outcome) => this.#lost(call, outcome));
    const taken = await call.acknowledged;
    this.#againMs = AGAIN_MS;
    this.#close(before);
    return taken;
  }

  #request(filter: ListenFilter): Message {
    const params = new RawObject().set("_meta", metaOf(this.#client ?? NOBODY).bytes())
      .put("notifications", filter);
    const request = new RawObject().put("jsonrpc", "2.0").put("id", crypto.randomUUID())
      .put("method", "subscriptions/listen").set("params", params.bytes());
    return Message.from(request.bytes());
  }

  #close(call: Call | undefined): void {
    if (call !== undefined) this.#server.abandon(call);
  }

  /** The server, or the way to it, has ended a stream. */
  #lost(call: ListenCall, outcome: Message | GatewayError): void {
    call.fail(outcome);
    if (this.#current !== call || this.#ended || this.#session.signal.aborted) return;
    if (outcome instanceof Message && outcome.isError) return; // it does not want to
    this.#timer = setTimeout(() => void this.#open().catch(() => {}), this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX);
  }
}

const NOBODY: ClientSelf = { capabilities: new TextEncoder().encode("{}"), info: undefined };
