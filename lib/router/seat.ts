/**
 * One client's place at one server: the handshake in the client's name, and everything after it in order.
 *
 * @module
 */
import { notification } from "../core/compose.ts";
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { isListen } from "../core/listen.ts";
import { MemberCall, MemberSession, type NotificationFilter } from "../core/member_session.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { ListKind, ListMethod, ListPart } from "./lists.ts";
import type { Member, Resting } from "./member.ts";
import { ownRequest } from "./message_edits.ts";
import { NO_REQUEST, OwnCall } from "./own_call.ts";
import { SeatSession } from "./seat_session.ts";

/** A server that does not answer for so long is left out of a list, ms: with all the rest within a second. */
const LIST_WAIT_MS = 900;
/** The same where its list is known from before, ms: the first list of a run is there in 100. */
const KNOWN_WAIT_MS = 30;

/** What a seat needs to know of its client. */
export interface SeatHost {
  /** The client's session; for clients without sessions one of the gateway. */
  readonly session: Session;
  /** The client's `initialize`; `undefined` where it has made none. */
  readonly initialize: Message | undefined;
  /** Whether the client has completed its handshake. */
  readonly isInitialized: boolean;
  /** The last `logging/setLevel`. */
  readonly logLevel: Message | undefined;
  /** What of a server's notification goes on to the client. */
  filter(seat: Seat, message: Message): Message | undefined;
}

/** See the module. */
export class Seat implements Resting {
  readonly member: Member;
  /** What the server listed last. */
  readonly parts = new Map<ListMethod, ListPart>();
  /** Lists that the client was given without the server's newest part: the digest of what it was given. */
  readonly owed = new Map<ListMethod, string | undefined>();
  /** URIs that the client has subscribed to here, each as the client knows it. */
  readonly subscribed = new Map<string, string>();
  readonly #host: SeatHost;
  readonly #filter: NotificationFilter;
  #session: Session | undefined;
  #capabilities: Readonly<Record<string, unknown>> | undefined;
  #greeting: Promise<void> | undefined;
  #isGreeted = false;
  #calls = 0;
  #lastUsedMs = 0;
  #silentSinceMs: number | undefined;

  constructor(host: SeatHost, member: Member) {
    this.member = member;
    this.#host = host;
    this.#filter = (message) => host.filter(this, message);
  }

  get unusedSinceMs(): number | undefined {
    const isUsed = this.#calls > 0 || this.subscribed.size > 0 || this.#greeting !== undefined;
    return isUsed ? undefined : this.#lastUsedMs;
  }

  /** Whether the server can be asked for what it lists: `undefined` when that is not known. */
  has(kind: ListKind): boolean | undefined {
    return this.#capabilities && this.#capabilities[kind] !== undefined;
  }

  /** Whether the server has said that it has none of these, once it has said anything. Rejects with a `GatewayError`. */
  async lacks(kind: ListKind): Promise<boolean> {
    await this.#greeted();
    return this.has(kind) === false;
  }

  /** How long a list is to wait for the server, ms. Whoever was left out and is still silent is not waited for again. */
  waitMs(isKnown: boolean): number {
    const waitMs = isKnown && this.parts.size === 0 ? KNOWN_WAIT_MS : LIST_WAIT_MS;
    if (this.#silentSinceMs === undefined || this.owed.size === 0) return waitMs;
    return Math.max(0, waitMs - (monotonicMs() - this.#silentSinceMs));
  }

  /** Hands a client's call over, changed for the server. Rejects with a `GatewayError`. */
  async handle(call: Call, message: Message): Promise<Message | undefined> {
    const handled = () => this.#handle(call, message);
    return await (isListen(message) ? handled() : this.member.serve(handled)); // streams have no end to wait for
  }

  /** Subscribes the client to what it has subscribed to where this server stood before. */
  async takeOver({ subscribed }: Seat): Promise<void> {
    for (const [uri, exposed] of subscribed) {
      this.subscribed.set(uri, exposed);
      const params = new RawObject().put("uri", uri);
      const answer = await this.ask(ownRequest("resources/subscribe", params));
      if (answer.isError) this.subscribed.delete(uri);
    }
  }

  async #handle(call: Call, message: Message): Promise<Message | undefined> {
    const greeting = this.#greeted();
    if (greeting !== undefined) {
      await greeting;
      if (call.signal.aborted) {
        throw new GatewayError("InternalError", "Cannot answer: the request was cancelled");
      }
    }
    const session = call.session.isSessionless
      ? new MemberSession(call.session, this.member.number, this.#filter)
      : this.#ownSession() as MemberSession;
    return await this.#counted(() => this.member.handle(new MemberCall(call, message, session)));
  }

  /** Asks in the client's name. Rejects with a `GatewayError`. */
  async ask(message: Message): Promise<Message> {
    this.#silentSinceMs ??= monotonicMs();
    try {
      await this.#greeted();
      const call = new OwnCall(message, NO_REQUEST, this.#ownSession());
      const answer = await this.#counted(() => this.member.handle(call));
      this.#silentSinceMs = undefined;
      return answer!;
    } catch (error) {
      if (!isTimeout(error)) this.#silentSinceMs = undefined;
      throw error;
    }
  }

  /** Passes a notification or a setting on, where the server has been greeted; the others learn it then. */
  async tell(message: Message): Promise<void> {
    const isReady = this.#isGreeted || this.#host.initialize === undefined;
    if (!isReady || this.#session === undefined) return;
    const call = new OwnCall(message, NO_REQUEST, this.#ownSession());
    await this.#counted(() => this.member.handle(call));
  }

  /** Begins what the first call would wait for. Rejects with a `GatewayError`. */
  async prepare(): Promise<void> {
    if (this.#host.initialize !== undefined) await this.#greeted();
    else await this.member.prepare(this.#ownSession());
  }

  rest(): void {
    this.member.leave(this);
    this.#isGreeted = false;
    const session = this.#session;
    this.#session = undefined;
    if (session instanceof SeatSession) session.end();
  }

  /** The handshake, unless it stands or there is none to make. */
  #greeted(): Promise<void> | undefined {
    const { initialize } = this.#host;
    if (this.#greeting !== undefined) return this.#greeting;
    if (this.#isGreeted || initialize === undefined) return undefined;
    return this.#greeting = this.#greet(initialize).finally(() => this.#greeting = undefined);
  }

  async #greet(initialize: Message): Promise<void> {
    this.#silentSinceMs ??= monotonicMs();
    const session = this.#ownSession();
    const own = initialize.withId(encoder.encode(`"${crypto.randomUUID()}"`));
    try {
      const answer = (await this.member.handle(new OwnCall(own, NO_REQUEST, session)))!;
      if (answer.isError) throw refused(this.member.name, answer);
      this.#capabilities = answer.json().result?.capabilities ?? {};
      this.#silentSinceMs = undefined;
    } catch (error) {
      if (!isTimeout(error)) this.#silentSinceMs = undefined;
      throw error;
    }
    if (session !== this.#session) return; // it was ended meanwhile
    this.#isGreeted = true;
    const { isInitialized, logLevel } = this.#host;
    if (isInitialized) await this.tell(INITIALIZED);
    if (logLevel !== undefined) this.tell(logLevel).catch(() => {}); // not every server has a log
  }

  /** The client's session towards this server. */
  #ownSession(): Session {
    if (this.#session === undefined) {
      const { session } = this.#host;
      session.signal.throwIfAborted();
      this.#session = session.isSessionless
        ? session
        : new SeatSession(session, this.member.number, this.#filter);
      this.#lastUsedMs = monotonicMs();
      if (!session.isSessionless) this.member.seat(this);
    }
    return this.#session;
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await work();
    } finally {
      this.#calls--;
      this.#lastUsedMs = monotonicMs();
    }
  }
}

/** What completes a handshake. */
export const INITIALIZED = notification("notifications/initialized");

const encoder = new TextEncoder();

function isTimeout(error: unknown): boolean {
  return error instanceof GatewayError && error.failure === "UpstreamTimeout";
}

function refused(name: string, answer: Message): GatewayError {
  return new GatewayError(
    "UpstreamUnavailable",
    `Cannot use upstream ${name}: it refused the handshake: ${answer.json().error.message}`,
    { data: { outcome: "not_sent" } },
  );
}
