/**
 * One server's part of a client's listen stream, asked for again when it is lost.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { withParam, withParams } from "./message_edits.ts";
import type { Seat } from "./seat.ts";

/** Waited before a server whose stream was lost is asked again, ms; doubled while it keeps failing. */
const AGAIN_MS = 1_000;
const AGAIN_MS_MAX = 30_000;

/** A filter of a listen stream, as it travels. */
export interface ListenFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
}

/** See the module. Lasts as long as the client's call, or until it is ended before. */
export class Following implements Call {
  readonly message: Message;
  readonly seat: Seat;
  /** URIs of the server, each with the one that the client knows. */
  readonly uris: ReadonlyMap<string, string>;
  readonly #call: Call;
  readonly #end = new AbortController();
  readonly #tell: (message: Message) => Promise<void>;
  readonly #taken = Promise.withResolvers<readonly string[]>();
  #againMs = AGAIN_MS;

  /**
   * @param uris URIs of the server, each with the one that the client knows
   * @param tell takes what the server tells
   */
  constructor(
    call: Call,
    seat: Seat,
    lists: ListenFilter,
    uris: ReadonlyMap<string, string>,
    tell: (message: Message) => Promise<void>,
  ) {
    this.seat = seat;
    this.#call = call;
    this.uris = uris;
    this.#tell = tell;
    const filter = uris.size === 0 ? lists : { ...lists, resourceSubscriptions: [...uris.keys()] };
    this.message = withParams(call.message, (params) => params.put("notifications", filter));
    if (call.signal.aborted) this.end();
    else call.signal.addEventListener("abort", () => this.end(), { signal: this.signal });
    void this.#follow();
  }

  get request(): RequestInfo {
    return this.#call.request;
  }

  get session(): Session {
    return this.#call.session;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Resolves to the URIs that the server has taken, as the client knows them. */
  get taken(): Promise<readonly string[]> {
    return this.#taken.promise;
  }

  /** Ends it before the client does. */
  end(): void {
    this.#end.abort();
  }

  async notify(message: Message): Promise<void> {
    if (message.method === "notifications/subscriptions/acknowledged") {
      this.#againMs = AGAIN_MS;
      const own: unknown = message.json().params?.notifications?.resourceSubscriptions;
      this.#taken.resolve(
        Array.isArray(own) ? own.flatMap((uri) => this.uris.get(uri) ?? []) : [],
      );
      return;
    }
    const uri = this.uris.get(message.uri ?? "");
    await this.#tell(uri === undefined ? message : withParam(message, "uri", uri));
  }

  ask({ method }: Message): Promise<Message> {
    return Promise.reject(
      new GatewayError("MethodNotFound", `Cannot answer ${method}: this is a listen stream`),
    );
  }

  async #follow(): Promise<void> {
    const { signal } = this;
    while (!signal.aborted) {
      try {
        const answer = await this.seat.handle(this, this.message);
        if (answer?.isError) break; // it does not want to
      } catch {
        // it was lost, which its calls tell too; it is asked again below
      }
      await pause(this.#againMs, signal);
      this.#againMs = Math.min(2 * this.#againMs, AGAIN_MS_MAX);
    }
    this.#taken.resolve([]);
  }
}

/** Resolves after a time, or when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
