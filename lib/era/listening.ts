/**
 * The listen stream behind one client with a handshake: what the client subscribed to, as the filter of
 * one long request, which is made anew when the filter changes or the stream is lost.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { notification } from "../core/compose.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Session } from "../core/handler.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Server } from "../core/upstream.ts";
import { isUnwanted, ListenCall } from "./listen_call.ts";
import { honoured, isWanted, type ListenFilter, URIS_MAX } from "./listen_filter.ts";
import { type ClientSelf, metaOf } from "./protocol_meta.ts";
import { within } from "../core/waiting.ts";

/** Waited before a lost stream is opened again, ms; doubled until one has lasted for {@link AGAIN_MS_MAX}. */
const AGAIN_MS = 100;
const AGAIN_MS_MAX = 30_000;
/** A server that has not acknowledged a stream by then will not, ms. */
const ACKNOWLEDGED_MS = 10_000;
/**
 * A stream is still read for so long after another took its place, ms: over HTTP the two are different
 * sockets, and what was told before the change may come after it.
 */
const HANDOVER_MS = 50;

/** Everything a server can tell of by itself. */
const LISTS: ListenFilter = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
};

/** A stream that was acknowledged. */
interface Standing {
  readonly call: ListenCall;
  /** Its filter, as text. */
  readonly asked: string;
  readonly taken: ListenFilter;
  readonly sinceMs: number;
}

/** Keeps a listen stream open while there is something to listen for. Dispose it to end it. */
export class Listening implements Disposable {
  readonly #server: Server;
  readonly #session: Session;
  readonly #uris = new Set<string>();
  /** Every stream that may still tell something. */
  readonly #open = new Set<ListenCall>();
  readonly #handovers = new Set<ReturnType<typeof setTimeout>>();
  #client: ClientSelf | undefined;
  #lists: ListenFilter = {};
  #standing: Standing | undefined;
  #last: Promise<unknown> = Promise.resolve();
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
    if (Object.keys(this.#lists).length > 0) this.#renew().catch(() => {}); // opened again by a timer
  }

  /**
   * Adds a resource.
   *
   * @throws {GatewayError} when the server does not take the subscription
   */
  async subscribe(uri: string): Promise<void> {
    if (this.#uris.size >= URIS_MAX && !this.#uris.has(uri)) {
      throw new GatewayError("Overloaded", `Cannot subscribe: ${URIS_MAX} subscriptions are open`);
    }
    this.#uris.add(uri);
    try {
      const taken = await this.#renew();
      if (taken.resourceSubscriptions?.includes(uri)) return;
      throw new GatewayError("InvalidParams", "Cannot subscribe: the server does not offer it");
    } catch (error) {
      this.#uris.delete(uri);
      throw error;
    }
  }

  /** Removes a resource. */
  async unsubscribe(uri: string): Promise<void> {
    if (this.#uris.delete(uri)) await this.#renew();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const timer of this.#handovers) clearTimeout(timer);
    for (const call of [...this.#open]) this.#close(call);
  }

  get #filter(): ListenFilter {
    if (this.#uris.size === 0) return this.#lists;
    return { ...this.#lists, resourceSubscriptions: [...this.#uris] };
  }

  /** Makes the stream fit the filter, one change after the other. */
  #renew(): Promise<ListenFilter> {
    const renewed = this.#last.then(() => this.#replace());
    this.#last = renewed.catch(() => {}); // whoever asked for it is told
    return renewed;
  }

  /** Opens a stream with the filter as it is now; the one before ends when this one stands. */
  async #replace(): Promise<ListenFilter> {
    const before = this.#standing;
    const filter = this.#filter;
    const asked = JSON.stringify(filter);
    if (this.#ended) throw new GatewayError("InternalError", "Cannot listen: the client has gone");
    if (before?.asked === asked) return before.taken;
    clearTimeout(this.#timer);
    if (Object.keys(filter).length === 0) {
      this.#standing = undefined;
      if (before !== undefined) this.#close(before.call);
      return {};
    }
    const call = new ListenCall(this.#request(filter), this.#session, before !== undefined);
    before?.call.keep();
    try {
      const taken = await this.#begin(call);
      if (!this.#open.has(call)) throw endedAtOnce();
      this.#standing = { call, asked, taken, sinceMs: monotonicMs() };
      clearTimeout(this.#timer);
      if (before !== undefined) this.#handOver(before.call, call);
      return taken;
    } catch (error) {
      this.#close(call);
      before?.call.release();
      if (this.#standing === undefined && !isUnwanted(error)) this.#again();
      throw error;
    }
  }

  async #begin(call: ListenCall): Promise<ListenFilter> {
    this.#open.add(call);
    this.#server.request(call).catch(toGatewayError)
      .then((outcome) => this.#lost(call, outcome));
    const taken = await within(call.acknowledged, ACKNOWLEDGED_MS);
    if (taken !== undefined) return taken;
    throw new GatewayError("UpstreamTimeout", "Cannot listen: the server does not acknowledge it");
  }

  #handOver(before: ListenCall, call: ListenCall): void {
    const timer = setTimeout(() => {
      this.#handovers.delete(timer);
      before.release(call, (message) => isWanted(this.#filter, message)); // it may have unsubscribed
      this.#close(before);
    }, HANDOVER_MS);
    this.#handovers.add(timer);
  }

  #request(filter: ListenFilter): Message {
    const params = new RawObject().set("_meta", metaOf(this.#client ?? NOBODY).bytes())
      .put("notifications", filter);
    const request = new RawObject().put("jsonrpc", "2.0").put("id", crypto.randomUUID())
      .put("method", "subscriptions/listen").set("params", params.bytes());
    return Message.from(request.bytes());
  }

  #close(call: ListenCall): void {
    this.#open.delete(call);
    this.#server.abandon(call);
  }

  /** The server, or the way to it, has ended a stream. */
  #lost(call: ListenCall, outcome: Message | GatewayError): void {
    this.#open.delete(call);
    call.fail(outcome);
    const standing = this.#standing;
    if (standing?.call !== call) return;
    this.#standing = undefined;
    if (monotonicMs() - standing.sinceMs >= AGAIN_MS_MAX) this.#againMs = AGAIN_MS;
    if (!isUnwanted(outcome)) this.#again();
  }

  /** What has changed while there was no stream nobody has told: it could be anything. */
  #again(): void {
    if (this.#ended || this.#session.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#renew().then((taken) => this.#tellAll(taken), () => {}); // which has set the next timer
    }, this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX);
  }

  #tellAll(taken: ListenFilter): void {
    const tell = (method: string, params?: unknown) =>
      void this.#session.notify(notification(method, params));
    if (taken.toolsListChanged) tell("notifications/tools/list_changed");
    if (taken.promptsListChanged) tell("notifications/prompts/list_changed");
    if (taken.resourcesListChanged) tell("notifications/resources/list_changed");
    for (const uri of taken.resourceSubscriptions ?? []) {
      tell("notifications/resources/updated", { uri });
    }
  }
}

function endedAtOnce(): GatewayError {
  return new GatewayError("UpstreamUnavailable", "Cannot listen: the stream has ended at once");
}

const NOBODY: ClientSelf = { capabilities: new TextEncoder().encode("{}"), info: undefined };
