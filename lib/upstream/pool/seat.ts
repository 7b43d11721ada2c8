/**
 * What a pool remembers of one client with a session: its home, and what its members have to know.
 *
 * @module
 */
import type { Call, Session } from "../../core/handler.ts";
import { MemberCall, MemberSession } from "../../core/member_session.ts";
import type { Message } from "../../core/message.ts";
import { cancelled, isUnsent } from "../unsent.ts";
import type { Member } from "./member.ts";

/** A client at one member. */
interface View {
  readonly session: MemberSession;
  /** Calls of the client that the member has. */
  callsHere: number;
  /** Whether the member knows of the client what it must. */
  isIntroduced: boolean;
  /** While it is being told. */
  introducing: Promise<void> | undefined;
}

/** A client's seat in the pool. */
export class Seat {
  readonly session: Session;
  /** Whether its server remembers more of it than the protocol's state: all of its requests go home. */
  isBound: boolean;
  readonly #views = new Map<Member, View>();
  #home: Member | undefined;
  /** What the client said once: `initialize`, `notifications/initialized`, `logging/setLevel`. */
  readonly #said = new Map<string, Call>();
  readonly #subscriptions = new Map<string, Call>();

  constructor(session: Session, isBound: boolean) {
    this.session = session;
    this.isBound = isBound;
  }

  /** The member that knows the session's state. */
  get home(): Member | undefined {
    return this.#home;
  }

  /** Whether a member has to know anything of it before its next message comes. */
  get hasState(): boolean {
    return this.#said.size > 0;
  }

  /** Gives it another home, which is told everything with the next message, or by {@link settle}. */
  moveTo(home: Member | undefined): void {
    if (this.#home === home) return;
    this.#home = home;
    const view = home && this.#views.get(home);
    if (view !== undefined) view.isIntroduced = false;
  }

  /** Tells the home now. Rejects when it cannot be reached. */
  async settle(): Promise<void> {
    const home = this.#home;
    if (home === undefined) return;
    await this.#introduced(home, this.#viewOf(home));
  }

  /** Members that have a call of the session. */
  #membersWithCalls(): Member[] {
    return [...this.#views].filter(([, view]) => view.callsHere > 0).map(([member]) => member);
  }

  /** A member gets no more calls: it is forgotten with its last. */
  forget(member: Member): void {
    if (this.#views.get(member)?.callsHere === 0) this.#views.delete(member);
  }

  /** Hands a call to a member, which is told first whom it is from. */
  async handle(
    member: Member,
    call: Call,
    message: Message = call.message,
  ): Promise<Message | undefined> {
    const view = this.#viewOf(member);
    view.callsHere++;
    try {
      if (message.method === "initialize") view.isIntroduced = true;
      if (!view.isIntroduced) {
        await this.#introduced(member, view);
        if (call.signal.aborted) throw cancelled();
      }
      const answer = await member.handle(new MemberCall(call, message, view.session));
      if (answer === undefined || !answer.isError) this.#remember(call, answer, member);
      return answer;
    } finally {
      view.callsHere--;
      if (member.state === "leaving") this.forget(member);
    }
  }

  /** Tells the members that have calls of the session of a cancellation. */
  async cancel(call: Call): Promise<void> {
    await Promise.all(
      this.#membersWithCalls().map((member) => say(member, call, this.#viewOf(member))),
    );
  }

  #viewOf(member: Member): View {
    let view = this.#views.get(member);
    if (view === undefined) this.#views.set(member, view = this.#newView(member));
    return view;
  }

  /** What all members would tell, the home tells alone. */
  #newView(member: Member): View {
    const filter = (message: Message) =>
      this.#home === member || isOwnNews(message, view) ? message : undefined;
    const view: View = {
      session: new MemberSession(this.session, member.index, filter),
      callsHere: 0,
      isIntroduced: false,
      introducing: undefined,
    };
    return view;
  }

  #introduced(member: Member, view: View): Promise<void> {
    return view.introducing ??= this.#introduce(member, view).then(() => {
      view.isIntroduced = true;
    }).finally(() => view.introducing = undefined);
  }

  /** Tells a member what the client told another before; the home more than the others. */
  async #introduce(member: Member, view: View): Promise<void> {
    const isHome = this.#home === member;
    const said = [...this.#said.values()].filter(({ message }) =>
      isHome || message.method !== "notifications/initialized" // unasked news come from the home
    );
    for (const call of isHome ? [...said, ...this.#subscriptions.values()] : said) {
      try {
        await say(member, call, view);
      } catch (error) {
        if (isUnsent(error)) throw error; // anything else is a refusal: what it offers may have changed
      }
    }
  }

  #remember(call: Call, answer: Message | undefined, member: Member): void {
    const { method, uri } = call.message;
    switch (method) {
      case "initialize":
        if (answer?.json().result?.capabilities?.tasks !== undefined) this.isBound = true;
        this.#said.set(method, repeatable(call));
        break;
      case "notifications/initialized":
        this.#said.set(method, repeatable(call));
        break;
      case "logging/setLevel":
        this.#said.set(method, repeatable(call));
        this.#tellOthers(member, call);
        break;
      case "resources/subscribe":
        this.#subscriptions.set(uri!, repeatable(call));
        break;
      case "resources/unsubscribe":
        this.#subscriptions.delete(uri!);
    }
  }

  /** Members that the session has used already. */
  #tellOthers(told: Member, call: Call): void {
    for (const [member, view] of this.#views) {
      if (member === told) continue;
      say(member, call, view).catch(() => {}); // the home has answered for all
    }
  }
}

function say(member: Member, call: Call, { session }: View): Promise<Message | undefined> {
  return member.handle(new MemberCall(call, call.message, session));
}

function isOwnNews({ method }: Message, { callsHere }: View): boolean {
  if (method === "notifications/message") return callsHere > 0;
  return !method!.endsWith("/list_changed") && method !== "notifications/resources/updated";
}

/** What is kept of a call to repeat it to another member, long after it was answered. */
function repeatable({ message, request, session }: Call): Call {
  return {
    message,
    request,
    session,
    signal: session.signal,
    notify: (news) => session.notify(news),
    ask: (question) => session.ask(question),
  };
}
