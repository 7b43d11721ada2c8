/**
 * One call put to several servers: what more than half of them say is the answer.
 *
 * @module
 */
import { CallCopy } from "../core/call_copy.ts";
import { GatewayError, reasonOf, toGatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Call, Handler, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { agreementKey } from "./agreement.ts";

/** Who is asked. */
export interface Voter {
  readonly name: string;
  readonly handle: Handler;
  /** The session as this voter is to know it. */
  readonly session: Session;
}

interface Camp {
  readonly answer: Message;
  readonly members: string[];
}

/** Failures of the gateway's own side: who gave no answer has no vote. */
const NO_VOTES: ReadonlySet<number> = new Set([
  WIRE_FORMS.UpstreamUnavailable.code,
  WIRE_FORMS.UpstreamTimeout.code,
  WIRE_FORMS.UpstreamProtocolError.code,
]);

/** See the module. */
export class Vote {
  readonly #call: Call;
  readonly #voters: readonly Voter[];
  readonly #majority: number;
  readonly #camps = new Map<string, Camp>();
  readonly #failed: { member: string; code: number; message: string }[] = [];
  readonly #silent: Map<Voter, CallCopy>;
  readonly #decision = Promise.withResolvers<Message>();

  constructor(call: Call, voters: readonly Voter[]) {
    this.#call = call;
    this.#voters = voters;
    this.#majority = Math.floor(voters.length / 2) + 1;
    this.#silent = new Map(
      voters.map((voter, index) => [
        voter,
        new CallCopy(call, { session: voter.session, isHeard: index === 0 }),
      ]),
    );
  }

  /**
   * Asks everybody at once; who has not answered when it is decided is cancelled.
   *
   * @throws {GatewayError} QuorumNotReached: no majority can come about any more, or none has in time
   */
  async decide(deadlineMs: number): Promise<Message> {
    const { signal } = this.#call;
    const giveUp = () => this.#cancelSilent("client has gone");
    signal.addEventListener("abort", giveUp, { once: true });
    const timer = setTimeout(() => this.#decision.reject(this.#undecided("in time")), deadlineMs);
    for (const [voter, copy] of this.#silent) {
      voter.handle(copy).then(
        (answer) => this.#take(voter, answer!),
        (error) => this.#fail(voter, toGatewayError(error)),
      );
    }
    try {
      return await this.#decision.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      this.#cancelSilent("decided without it");
    }
  }

  #take(voter: Voter, answer: Message): void {
    const error = answer.isError ? answer.json().error : undefined;
    if (NO_VOTES.has(error?.code)) return this.#fail(voter, error);
    this.#silent.delete(voter);
    const key = agreementKey(this.#call.message, answer);
    const camp = this.#camps.get(key) ?? { answer, members: [] };
    this.#camps.set(key, camp);
    camp.members.push(voter.name);
    if (camp.members.length >= this.#majority) {
      this.#decision.resolve(camp.answer.withId(this.#call.message.id!));
    } else this.#endIfHopeless();
  }

  #fail(voter: Voter, { code, message }: { code: number; message: string }): void {
    this.#silent.delete(voter);
    this.#failed.push({ member: voter.name, code, message: reasonOf(message) });
    this.#endIfHopeless();
  }

  #endIfHopeless(): void {
    const largest = Math.max(0, ...[...this.#camps.values()].map(({ members }) => members.length));
    if (largest + this.#silent.size >= this.#majority) return;
    this.#decision.reject(this.#undecided("any more"));
  }

  #undecided(when: string): GatewayError {
    const { length } = this.#voters;
    return new GatewayError(
      "QuorumNotReached",
      `Cannot answer: no ${this.#majority} of ${length} servers can agree ${when}`,
      {
        data: {
          needed: this.#majority,
          answers: [...this.#camps].map(([sha256, { members }]) => ({ sha256, members })),
          failed: this.#failed,
          silent: [...this.#silent.keys()].map(({ name }) => name),
        },
      },
    );
  }

  #cancelSilent(reason: string): void {
    for (const [voter, copy] of this.#silent) copy.cancel(voter.handle, reason);
  }
}
