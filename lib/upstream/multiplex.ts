/**
 * Several servers that behave like one: each call goes to all of them, and what more than half of them say is
 * the answer. Only for calls that can do no harm when they are sent several times.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import { CallCopy } from "../core/call_copy.ts";
import { Vote, type Voter } from "./vote.ts";

/** What a multiplex decides by. */
export interface MultiplexOptions {
  /** Whether a call can do no harm when it is sent several times. */
  readonly isSafe: (message: Message) => boolean;
  /** Until a call is decided, ms. */
  readonly deadlineMs: number;
}

/** What only changes what a server tells a client: the same to each of them. */
const SETTINGS: readonly string[] = ["initialize", "logging/setLevel"];

/** See the module. */
export class Multiplex implements Upstream {
  readonly name: string;
  readonly #members: readonly Upstream[];
  readonly #options: MultiplexOptions;
  readonly #sessions = new WeakMap<Session, readonly Session[]>();

  /** @param members disposed with the multiplex; the first is the one whose notifications clients get */
  constructor(name: string, members: readonly Upstream[], options: MultiplexOptions) {
    this.name = name;
    this.#members = members;
    this.#options = options;
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    const voters = this.#votersFor(call.session);
    if (message.kind !== "request") {
      await Promise.allSettled(
        voters.map(({ handle, session }) =>
          handle(new CallCopy(call, { session, isHeard: false }))
        ),
      );
      return undefined;
    }
    if (!SETTINGS.includes(message.method!) && !this.#options.isSafe(message)) {
      throw refused(message);
    }
    return await new Vote(call, voters).decide(this.#options.deadlineMs);
  };

  async prepare(session: Session): Promise<void> {
    const sessions = this.#sessionsFor(session);
    await Promise.any(this.#members.map((member, index) => member.prepare?.(sessions[index])));
  }

  load(): number {
    return Math.max(...this.#members.map((member) => member.load()));
  }

  ready(): boolean {
    return this.#members.filter((member) => member.ready()).length * 2 > this.#members.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member[Symbol.asyncDispose]()));
  }

  #votersFor(session: Session): Voter[] {
    const sessions = this.#sessionsFor(session);
    return this.#members.map(({ name, handle }, index) => ({
      name,
      handle,
      session: sessions[index],
    }));
  }

  /** A client hears what one of the servers says by itself: the others say the same. */
  #sessionsFor(session: Session): readonly Session[] {
    let sessions = this.#sessions.get(session);
    if (sessions === undefined) {
      sessions = this.#members.map((_, index) => index === 0 ? session : muted(session));
      this.#sessions.set(session, sessions);
    }
    return sessions;
  }
}

function muted(session: Session): Session {
  return {
    id: session.id,
    isSessionless: session.isSessionless,
    get protocolVersion() {
      return session.protocolVersion;
    },
    get callsInFlight() {
      return session.callsInFlight;
    },
    signal: session.signal,
    notify: () => Promise.resolve(),
    ask: ({ method }) =>
      Promise.reject(
        new GatewayError("MethodNotFound", `Cannot answer ${method}: another server may ask`),
      ),
    cancelAsk() {},
  };
}

function refused({ method, name }: Message): GatewayError {
  const what = name === undefined ? method : `${method} ${name}`;
  const why = name === undefined
    ? "several servers are asked at once, which only calls that read allow"
    : "several servers are asked at once, and nothing says that it has no effect (tools/list tells, by readOnlyHint or idempotentHint)";
  return new GatewayError("PolicyDenied", `Cannot call ${what}: ${why}`, {
    data: { reason: "quorum" },
  });
}
