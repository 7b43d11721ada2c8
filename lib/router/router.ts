/**
 * Hands each call to the server that it is for, under the server's own name for what is called.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { ClientView } from "./client_view.ts";
import { withParam, withReference } from "./message_edits.ts";
import type { Route } from "./route_table.ts";
import type { Seat } from "./seat.ts";

/** What a router reports, for counters. */
export interface RouterEvents {
  /**
   * A request was answered; `outcome` is `ok`, `tool_error`, `error`, `cancelled` or the name of a failure.
   *
   * @param upstream the server; `undefined` when there was none for it
   */
  routed(
    upstream: string | undefined,
    method: string,
    outcome: string,
    durationMs: number,
  ): void;
}

/** Methods that go to a server; all others are answered here, or refused. */
export const ROUTED_METHODS: readonly string[] = [
  "tools/call",
  "prompts/get",
  "completion/complete",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
];

/** See the module. */
export class Router {
  readonly #events: RouterEvents;

  constructor(events: RouterEvents) {
    this.#events = events;
  }

  /**
   * Answers a call. Rejects with a `GatewayError`.
   *
   * @param message what it stands for, where that is not what the client sent
   */
  async route(
    view: ClientView,
    call: Call,
    message: Message = call.message,
  ): Promise<Message | undefined> {
    const startMs = monotonicMs();
    const trip: Trip = { view, call, message, seat: undefined };
    let outcome = "cancelled";
    try {
      const answer = await this.#routed(trip);
      if (answer !== undefined) outcome = outcomeOf(answer);
      return answer;
    } catch (error) {
      if (!call.signal.aborted) outcome = toGatewayError(error).failure;
      throw error;
    } finally {
      if (ROUTED_METHODS.includes(message.method!)) {
        const durationMs = monotonicMs() - startMs;
        this.#events.routed(trip.seat?.member.name, message.method!, outcome, durationMs);
      }
    }
  }

  async #routed(trip: Trip): Promise<Message | undefined> {
    const { message } = trip;
    switch (message.method) {
      case "tools/call":
        return await this.#named(trip, "tools/list", "tool", message.name!);
      case "prompts/get":
        return await this.#named(trip, "prompts/list", "prompt", message.name!);
      case "completion/complete":
        return await this.#complete(trip);
      case "resources/read":
      case "resources/subscribe":
      case "resources/unsubscribe":
        return await this.#resource(trip, message.uri!);
    }
    const isModern = message.protocolVersion !== undefined;
    throw new GatewayError("MethodNotFound", `Cannot handle ${message.method}: unknown method`, {
      ...(!isModern && { status: 200 }),
    });
  }

  async #named(
    trip: Trip,
    method: "tools/list" | "prompts/list",
    what: string,
    name: string,
  ): Promise<Message | undefined> {
    const route = await this.#findNamed(trip.view, method, what, name);
    const { message } = trip;
    return await handOver(trip, route, withParam(message, "name", route.key));
  }

  async #findNamed(
    { routes, listing }: ClientView,
    method: "tools/list" | "prompts/list",
    what: string,
    name: string,
  ): Promise<Route> {
    let route = routes.named(method, name);
    if (route === "unlisted") {
      await listing.take(method);
      route = routes.named(method, name);
    }
    if (route === undefined || route === "unlisted") throw unknown(what, name);
    return route;
  }

  async #complete(trip: Trip): Promise<Message | undefined> {
    const { message } = trip;
    const reference = new RawObject(message.bytes).object("params").object("ref");
    const name = reference.value("name"), uri = reference.value("uri");
    if (typeof name === "string") {
      const route = await this.#findNamed(trip.view, "prompts/list", "prompt", name);
      return await handOver(trip, route, withReference(message, "name", route.key));
    }
    if (typeof uri !== "string") throw unknown("reference", "without name and uri");
    const route = await this.#findResource(trip.view, uri);
    if (route === undefined) throw unknown("resource", uri);
    return await handOver(trip, route, withReference(message, "uri", route.key));
  }

  async #resource(trip: Trip, uri: string): Promise<Message | undefined> {
    const { message } = trip;
    const route = await this.#findResource(trip.view, uri);
    if (route === undefined) return await this.#askEach(trip, uri);
    const changed = route.key === uri ? message : withParam(message, "uri", route.key);
    const answer = await handOver(trip, route, changed);
    note(trip, route.key, uri, answer);
    return answer;
  }

  async #findResource({ routes, listing }: ClientView, uri: string): Promise<Route | undefined> {
    const route = routes.resource(uri);
    const isListed = listing.isGiven("resources/list") &&
      listing.isGiven("resources/templates/list");
    if (route !== undefined || isListed) return route;
    await Promise.all([listing.take("resources/list"), listing.take("resources/templates/list")]);
    return routes.resource(uri);
  }

  /** Resources need not be listed: every server that has some is asked, until one knows it. */
  async #askEach(trip: Trip, uri: string): Promise<Message | undefined> {
    let refusal: Message | undefined;
    for (const seat of trip.view.seats) {
      const isEmpty = seat.parts.get("resources/list")?.items.length === 0 &&
        !seat.parts.get("resources/templates/list")?.items.length;
      const isThere = seat.parts.has("resources/list");
      if (!isThere || (seat.has("resources") ?? !isEmpty) === false) continue;
      if (trip.call.signal.aborted) break;
      trip.seat = seat;
      const answer = await seat.handle(trip.call, trip.message).catch(() => undefined); // the next may know
      if (answer === undefined) continue;
      note(trip, uri, uri, answer);
      if (!answer.isError) return answer;
      refusal = answer;
    }
    if (refusal !== undefined) return refusal;
    throw unknown("resource", uri);
  }
}

/** A call, and the server that it came to. */
interface Trip {
  readonly view: ClientView;
  readonly call: Call;
  /** What it asks for, under the names that clients see. */
  readonly message: Message;
  seat: Seat | undefined;
}

async function handOver(trip: Trip, route: Route, message: Message): Promise<Message | undefined> {
  const seat = trip.view.seatAt(route.member);
  if (seat === undefined) throw unknown("server", route.member.name);
  trip.seat = seat;
  return await seat.handle(trip.call, message);
}

/** Remembers under which URI the client subscribed. */
function note(trip: Trip, own: string, exposed: string, answer: Message | undefined): void {
  if (answer === undefined || answer.isError) return;
  const { method } = trip.message;
  if (method === "resources/subscribe") trip.seat!.subscribed.set(own, exposed);
  if (method === "resources/unsubscribe") trip.seat!.subscribed.delete(own);
}

function outcomeOf(answer: Message): string {
  if (answer.isError) return "error";
  return answer.isToolError ? "tool_error" : "ok";
}

/** Longest text of a client that an error repeats. */
const SHOWN_LENGTH_MAX = 200;

function unknown(what: string, name: string): GatewayError {
  const shown = name.length > SHOWN_LENGTH_MAX ? `${name.slice(0, SHOWN_LENGTH_MAX)}...` : name;
  return new GatewayError("InvalidParams", `Cannot find ${what} ${shown}: it is unknown`, {
    status: 200,
  });
}
