/**
 * Several servers as one: their tools, prompts and resources in one list, each call to the server it is
 * for. A server that hangs or fails keeps nobody waiting but those who call it.
 *
 * @module
 */
import { withoutAsker } from "../core/asker_name.ts";
import { monotonicMs } from "../core/clock.ts";
import { rawResult, result } from "../core/compose.ts";
import { LATEST_MODERN_VERSION, META_PREFIX } from "../core/eras.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Upstream } from "../core/upstream.ts";
import { Catalogue, type CatalogueStore } from "./catalogue.ts";
import type { ListParts } from "./listing.ts";
import type { ClientView } from "./client_view.ts";
import { discoverAnswer, FOR_NOW, initializeAnswer, isLogLevel, serverMeta } from "./greeting.ts";
import { isListMethod, type ListMethod, LISTS } from "./lists.ts";
import { ListenStream } from "./listen_stream.ts";
import { Lineups } from "./lineup.ts";
import type { Member, MemberOptions } from "./member.ts";
import { mergedItems, pageAt, startOf } from "./merged_list.ts";
import { ownRequest } from "./message_edits.ts";
import type { Origins } from "./origins.ts";
import { NO_REQUEST, OwnCall, OwnSession } from "./own_call.ts";
import { joinElements } from "./raw_array.ts";
import { Router, type RouterEvents } from "./router.ts";
import {
  CALL_TOOL,
  innerCall,
  SEARCH_ITEMS,
  SEARCH_TOOL,
  searchAnswer,
  TOOLS_LISTED_MAX,
} from "./search_tool.ts";
import { INITIALIZED } from "./seat.ts";
import { keyOfHandshake, Views } from "./views.ts";

/** What an aggregate reports, for counters and logs. */
export interface AggregateEvents extends RouterEvents {
  /** A server could not be asked, or told, something. */
  memberFailed(upstream: string, what: string, reason: string): void;
}

/** What an aggregate is made from. */
export interface AggregateOptions {
  readonly name: string;
  /** The gateway's own version. */
  readonly version: string;
  /** In the order of the configuration. */
  readonly members: readonly MemberOptions[];
  /** Where lists outlive the process. */
  readonly store?: CatalogueStore;
  /** Whether a tool to search for tools is listed instead of very many tools. */
  readonly searchTool?: boolean;
  readonly events: AggregateEvents;
  /** Learns where what is listed came from. */
  readonly origins?: Origins;
  /** Which raw tools a client may find by searching; all by default. */
  readonly visible?: (call: Call, items: readonly Uint8Array[]) => readonly Uint8Array[];
}

/** See the module. */
export class Aggregate implements Upstream {
  readonly name: string;
  readonly #version: string;
  readonly #hasSearch: boolean;
  readonly #lineups: Lineups;
  readonly #catalogue: Catalogue;
  readonly #views: Views;
  readonly #router: Router;
  readonly #events: AggregateEvents;
  readonly #origins: Origins | undefined;
  readonly #visible: NonNullable<AggregateOptions["visible"]>;

  constructor(options: AggregateOptions) {
    const { name, version, store, events } = options;
    this.name = name;
    this.#version = version;
    this.#hasSearch = options.searchTool === true;
    this.#events = events;
    this.#origins = options.origins;
    this.#visible = options.visible ?? ((_, items) => items);
    this.#lineups = new Lineups(options.members);
    this.#catalogue = new Catalogue(store);
    this.#views = new Views({
      lineup: () => this.#lineups.current,
      catalogue: this.#catalogue,
      failed: (member, method, reason) => events.memberFailed(member.name, method, reason),
    });
    this.#router = new Router(events);
  }

  /** Takes over what earlier runs knew, and reaches the servers that are to be there from the start. */
  async start(): Promise<void> {
    const { members } = this.#lineups.current;
    await this.#recall(members);
    this.#reachEager(members);
  }

  /**
   * Exchanges servers while it runs. Those that are opened by the same function as before notice nothing;
   * the others leave: their calls finish, new ones are refused or go to the new server of that name.
   * Clients are told that their lists have changed.
   *
   * @param drainMs a server that leaves has so long for its calls, ms
   */
  async update(members: readonly MemberOptions[], drainMs: number): Promise<void> {
    await this.#recall(members);
    const joined = this.#lineups.exchange(members, drainMs, () => this.#views.exchanged());
    this.#reachEager(joined);
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    const view = this.#views.of(call);
    if (message.kind !== "request") return this.#told(view, message);
    if (isListMethod(message.method)) return await this.#list(view, message, message.method);
    switch (message.method) {
      case "initialize":
        return this.#initialize(view, call);
      case "server/discover":
        if (call.session.isSessionless) view.listing.begin("tools/list"); // it will soon ask for them
        return discoverAnswer(message, this.#version);
      case "ping":
        return result(message.id!, {});
      case "logging/setLevel":
        return this.#setLogLevel(view, message);
      case "subscriptions/listen":
        return await new ListenStream(call, view).run();
    }
    if (!this.#hasSearch) return await this.#router.route(view, call);
    if (message.name === SEARCH_TOOL) return await this.#search(view, call);
    return await this.#router.route(
      view,
      call,
      message.name === CALL_TOOL ? innerCall(message) : message,
    );
  };

  /** Never rejects: one server that is not there is no reason to refuse a client. */
  async prepare(session: Session): Promise<void> {
    const { seats } = this.#views.ofSession(session);
    await Promise.all(seats.map(async (seat) => {
      try {
        await seat.prepare();
      } catch (error) {
        if (!session.signal.aborted) this.#failed(seat.member, "prepare", error);
      }
    }));
  }

  drain(): void {
    for (const member of this.#lineups.current.members) member.drain();
  }

  load(): number {
    return this.#lineups.load;
  }

  ready(): boolean {
    return this.#lineups.current.members.some(({ ready }) => ready);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#views[Symbol.dispose]();
    // What hangs may take long to end, longer than some hosts wait: what is known is written meanwhile.
    const owned: readonly AsyncDisposable[] = [this.#catalogue, this.#lineups];
    await Promise.all(owned.map((part) => part[Symbol.asyncDispose]()));
  }

  #initialize(view: ClientView, call: Call): Message {
    const { message } = call;
    const capabilities = new RawObject(message.bytes).object("params").get("capabilities");
    view.initialize = message;
    view.catalogueKey = keyOfHandshake(call, capabilities);
    view.meta = undefined;
    for (const seat of view.seats) {
      seat.prepare().catch((error) => {
        if (!view.session.signal.aborted) this.#failed(seat.member, "initialize", error);
      });
    }
    return initializeAnswer(message, this.#version);
  }

  /** Passes on to whom it concerns; nobody is waited for. */
  #told(view: ClientView, message: Message): undefined {
    switch (message.method) {
      case "notifications/initialized":
        view.isInitialized = true;
        return this.#tellAll(view, INITIALIZED);
      case "notifications/progress": {
        const asked = message.progressToken && withoutAsker(message.progressToken);
        if (asked === undefined) return;
        const seat = view.seatsInUse.find(({ member }) => member.number === asked.member);
        void seat?.tell(message.withProgressToken(asked.raw)).catch(() => {}); // whoever has gone needs none
        return;
      }
    }
    this.#tellAll(view, message);
  }

  #setLogLevel(view: ClientView, message: Message): Message {
    const level = message.json().params?.level;
    if (!isLogLevel(level)) {
      throw new GatewayError("InvalidParams", "Cannot set log level: it is unknown", {
        status: 200,
      });
    }
    view.logLevel = message;
    this.#tellAll(view, message);
    return result(message.id!, {});
  }

  #tellAll(view: ClientView, message: Message): undefined {
    for (const seat of view.seatsInUse) {
      seat.tell(message).catch((error) => {
        if (!view.session.signal.aborted) this.#failed(seat.member, message.method!, error);
      });
    }
  }

  async #list(view: ClientView, message: Message, method: ListMethod): Promise<Message> {
    const cursor = new RawObject(message.bytes).object("params").value("cursor");
    const start = cursor === undefined ? 0 : startOf(cursor, view.listing.given(method));
    const parts = cursor === undefined
      ? await view.listing.take(method)
      : view.listing.given(method)!;
    const merged = this.#merged(method, parts);
    const isSearched = this.#hasSearch && method === "tools/list" &&
      merged.length > TOOLS_LISTED_MAX;
    const all = isSearched ? SEARCH_ITEMS : merged;
    const { items, nextCursor } = pageAt(all, start, parts);
    const value = new RawObject().set(LISTS[method].items, joinElements(items));
    if (nextCursor !== undefined) value.put("nextCursor", nextCursor);
    if (message.protocolVersion !== undefined) {
      for (const [key, fact] of Object.entries(FOR_NOW)) value.put(key, fact);
      value.put("_meta", serverMeta(this.#version));
    }
    return rawResult(message.id!, value.bytes());
  }

  async #search(view: ClientView, call: Call): Promise<Message> {
    const { message } = call;
    const startMs = monotonicMs();
    const { listing } = view;
    const parts = listing.isGiven("tools/list")
      ? listing.given("tools/list")!
      : await listing.take("tools/list");
    const items = this.#visible(call, this.#merged("tools/list", parts));
    const answer = searchAnswer(message, items);
    this.#events.routed(this.name, message.method!, "ok", monotonicMs() - startMs);
    return answer;
  }

  #merged(method: ListMethod, parts: ListParts): Uint8Array[] {
    return mergedItems(method, parts, this.#lineups.current, this.#origins);
  }

  /** Takes over what was known of servers before. */
  async #recall(members: readonly { readonly fingerprint: string }[]): Promise<void> {
    await Promise.all(members.map(({ fingerprint }) => this.#catalogue.load(fingerprint)));
  }

  #reachEager(members: readonly Member[]): void {
    for (const member of members) {
      if (member.start === "eager") void this.#reach(member);
    }
  }

  /** Makes the connection that clients without sessions will use. */
  async #reach(member: Member): Promise<void> {
    const meta = new RawObject().put(`${META_PREFIX}protocolVersion`, LATEST_MODERN_VERSION)
      .put(`${META_PREFIX}clientCapabilities`, {})
      .put(`${META_PREFIX}clientInfo`, { name: "sluice", version: this.#version });
    const discover = ownRequest("server/discover", new RawObject(), meta.bytes());
    try {
      await member.handle(new OwnCall(discover, NO_REQUEST, new OwnSession()));
    } catch (error) {
      this.#failed(member, "start", error);
    }
  }

  #failed(member: Member, what: string, error: unknown): void {
    this.#events.memberFailed(member.name, what, reasonOf(error));
  }
}
