/**
 * A client as one member of a pool sees it, and a call as it reaches that member.
 *
 * @module
 */
import type { RequestInfo } from "../../core/connection.ts";
import type { Call, Session } from "../../core/handler.ts";
import type { Message } from "../../core/message.ts";
import { withAsker } from "./asker_name.ts";
import type { Member } from "./member.ts";
import type { Seat } from "./seat.ts";

/** The session towards one member: what the member says unasked reaches the client only where it should. */
export class MemberSession implements Session {
  readonly #seat: Seat;
  readonly #member: Member;
  /** Calls of the session that this member has. */
  callsHere = 0;
  /** Whether the member knows of the session what it must. */
  isIntroduced = false;
  /** While it is being told. */
  introducing: Promise<void> | undefined;

  constructor(seat: Seat, member: Member) {
    this.#seat = seat;
    this.#member = member;
  }

  get id(): string {
    return this.#seat.session.id;
  }

  get isSessionless(): boolean {
    return this.#seat.session.isSessionless;
  }

  get protocolVersion(): string | undefined {
    return this.#seat.session.protocolVersion;
  }

  get callsInFlight(): number {
    return this.callsHere;
  }

  get signal(): AbortSignal {
    return this.#seat.session.signal;
  }

  /** What all members would tell, the home tells alone. */
  notify(message: Message): Promise<void> {
    if (this.#seat.home !== this.#member && !this.#isOwnNews(message)) return Promise.resolve();
    return this.#seat.session.notify(message);
  }

  async ask(message: Message): Promise<Message> {
    const answer = await this.#seat.session.ask(asAsked(this.#member, message));
    return answer.withId(message.id!);
  }

  cancelAsk(message: Message): void {
    if (message.requestId === undefined) return;
    const asked = withAsker(this.#member.index, message.requestId);
    this.#seat.session.cancelAsk(message.withRequestId(asked));
  }

  #isOwnNews({ method }: Message): boolean {
    if (method === "notifications/message") return this.callsHere > 0;
    return !method!.endsWith("/list_changed") && method !== "notifications/resources/updated";
  }
}

/** What is kept of a call to repeat it to another member, long after it was answered. */
export function repeatable({ message, request, session }: Call): Call {
  return {
    message,
    request,
    session,
    signal: session.signal,
    notify: (news) => session.notify(news),
    ask: (question) => session.ask(question),
  };
}

/** A call in the name of a {@link MemberSession}. */
export class MemberCall implements Call {
  readonly #call: Call;
  readonly #member: Member;
  readonly session: MemberSession;
  readonly message: Message;

  /** @param message where the member is to get another than the client sent */
  constructor(call: Call, member: Member, session: MemberSession, message = call.message) {
    this.#call = call;
    this.#member = member;
    this.session = session;
    this.message = message;
  }

  get request(): RequestInfo {
    return this.#call.request;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  notify(message: Message): Promise<void> {
    return this.#call.notify(message);
  }

  async ask(message: Message): Promise<Message> {
    const answer = await this.#call.ask(asAsked(this.#member, message));
    return answer.withId(message.id!);
  }
}

function asAsked({ index }: Member, message: Message): Message {
  const { id, progressToken } = message;
  const named = message.withId(withAsker(index, id!));
  return progressToken === undefined
    ? named
    : named.withProgressToken(withAsker(index, progressToken));
}
