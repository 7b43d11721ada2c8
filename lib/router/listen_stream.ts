/**
 * A listen stream of a client over several servers: each is asked for its part, and what they tell goes
 * to the one stream.
 *
 * Source: MCP specification, basic/patterns/subscriptions, 2026-07-28.
 *
 * @module
 */
import { aborted } from "../core/waiting.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { Changes } from "./changes.ts";
import type { ChangeListener, ClientView } from "./client_view.ts";
import { Following, type ListenFilter } from "./following.ts";
import type { ListKind } from "./lists.ts";
import { acknowledgement, underListen } from "./message_edits.ts";
import type { Seat } from "./seat.ts";
import { within } from "../core/waiting.ts";

/** A server that has not taken its subscriptions by then is not acknowledged, ms. */
const ACKNOWLEDGE_MS = 800;
/** Resources that one stream may name. */
const URIS_MAX = 1_000;

/** See the module. */
export class ListenStream implements ChangeListener {
  readonly #call: Call;
  readonly #view: ClientView;
  readonly #filter: ListenFilter;
  readonly #changes: Changes;
  readonly #followings = new Map<Seat, Following>();
  /** Resolves when the client has been told that the stream stands: nothing may come before. */
  readonly #begun = Promise.withResolvers<void>();
  #hasBegun = false;

  /** @throws {GatewayError} InvalidParams when the request has no filter */
  constructor(call: Call, view: ClientView) {
    this.#call = call;
    this.#view = view;
    this.#filter = filterOf(call.message);
    this.#changes = new Changes((message) => {
      void this.#tell(underListen(message, call.message.id!));
    });
  }

  /** Streams until the client leaves. */
  async run(): Promise<undefined> {
    const { signal, message } = this.#call;
    this.#view.streams.add(this);
    try {
      await this.#call.notify(acknowledgement(await this.#begin(), message.id!));
      this.#hasBegun = true;
      this.#begun.resolve();
      await aborted(signal);
    } finally {
      this.#view.streams.delete(this);
      this.#changes[Symbol.dispose]();
    }
  }

  changed(kind: ListKind): void {
    if (this.#filter[`${kind}ListChanged`] === true) this.#changes.note(kind);
  }

  exchanged(): void {
    const urisByName = new Map<string, ReadonlyMap<string, string>>();
    const { seats } = this.#view;
    for (const [seat, following] of this.#followings) {
      if (seats.includes(seat)) continue;
      urisByName.set(seat.member.name, following.uris);
      this.#followings.delete(seat);
      following.end();
    }
    for (const seat of seats) {
      if (!this.#followings.has(seat)) this.#follow(seat, urisByName.get(seat.member.name));
    }
  }

  /** Asks a server for its part; `undefined` when there is nothing to ask for. */
  #follow(seat: Seat, uris: ReadonlyMap<string, string> = NO_URIS): Following | undefined {
    const { resourceSubscriptions: _, ...lists } = this.#filter;
    if (uris.size === 0 && Object.keys(lists).length === 0) return undefined;
    const following = new Following(this.#call, seat, lists, uris, this.#tell);
    this.#followings.set(seat, following);
    return following;
  }

  /** Asks every server for its part; resolves to the filter as it was taken. */
  async #begin(): Promise<ListenFilter> {
    const { resourceSubscriptions, ...lists } = this.#filter;
    const bySeat = await this.#routed(resourceSubscriptions ?? []);
    const taken: Promise<readonly string[] | undefined>[] = [];
    for (const seat of this.#view.seats) {
      const uris = bySeat.get(seat);
      if (this.#followings.has(seat)) continue; // the servers were exchanged meanwhile
      const following = this.#follow(seat, uris);
      if (uris !== undefined) taken.push(within(following!.taken, ACKNOWLEDGE_MS));
    }
    if (resourceSubscriptions === undefined) return lists;
    const uris = (await Promise.all(taken)).flatMap((some) => some ?? []);
    return { ...lists, resourceSubscriptions: uris };
  }

  /** Each server's URIs, with those that the client knows. */
  async #routed(uris: readonly string[]): Promise<Map<Seat, Map<string, string>>> {
    const { routes, listing } = this.#view;
    if (uris.some((uri) => routes.resource(uri) === undefined)) {
      await Promise.all([listing.take("resources/list"), listing.take("resources/templates/list")]);
    }
    const bySeat = new Map<Seat, Map<string, string>>();
    for (const uri of uris) {
      const route = routes.resource(uri);
      if (route === undefined) continue;
      const seat = this.#view.seatAt(route.member)!;
      const known = bySeat.get(seat) ?? new Map<string, string>();
      bySeat.set(seat, known.set(route.key, uri));
    }
    return bySeat;
  }

  /** Waits for room, but not for the beginning: the server's other answers would wait behind it. */
  readonly #tell = async (message: Message): Promise<void> => {
    if (!this.#hasBegun) return void this.#begun.promise.then(() => this.#tell(message));
    if (this.#call.signal.aborted) return;
    await this.#call.notify(message).catch(() => {}); // a client that has gone ends the stream
  };
}

const NO_URIS: ReadonlyMap<string, string> = new Map();

/** @throws {GatewayError} InvalidParams when the request has no filter */
function filterOf(message: Message): ListenFilter {
  const filter = message.json().params?.notifications;
  const uris = filter?.resourceSubscriptions;
  const isObject = typeof filter === "object" && filter !== null && !Array.isArray(filter);
  const areUris = uris === undefined || (Array.isArray(uris) && uris.length <= URIS_MAX &&
    uris.every((uri: unknown) => typeof uri === "string"));
  if (isObject && areUris) return filter;
  throw new GatewayError("InvalidParams", "Cannot listen: params.notifications is no filter", {
    status: 200,
  });
}
