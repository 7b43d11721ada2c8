/**
 * Which member asked for input: the retry with its `requestState` has to come back to the same.
 *
 * Source: MCP specification, basic/patterns/mrtr, 2026-07-28.
 *
 * @module
 */
import { Message } from "../../core/message.ts";
import { RawObject } from "../../core/raw_object.ts";
import type { Member } from "./member.ts";

/** States remembered; beyond it the oldest is forgotten, and its retry goes anywhere. */
const STATES_MAX = 2000;

/** Open questions to clients without sessions, by `requestState`. */
export class Continuations {
  readonly #members = new Map<string, Member>();

  /** Notes the state that a member's answer to a question gives out, if it gives out one. */
  note(question: Message, answer: Message, member: Member): void {
    if (question.protocolVersion === undefined) return;
    // What the gateway itself has composed is not scanned yet.
    const { resultType = Message.from(answer.bytes).resultType } = answer;
    if (resultType !== "input_required") return;
    const state = new RawObject(answer.bytes).object("result").value("requestState");
    if (typeof state !== "string") return;
    this.#members.set(state, member);
    if (this.#members.size <= STATES_MAX) return;
    for (const oldest of this.#members.keys()) {
      this.#members.delete(oldest);
      break;
    }
  }

  /** The member that a request continues with. Costs nothing where nobody was asked. */
  find(message: Message): Member | undefined {
    if (this.#members.size === 0 || message.protocolVersion === undefined) return undefined;
    const state = new RawObject(message.bytes).object("params").value("requestState");
    return typeof state === "string" ? this.#members.get(state) : undefined;
  }

  /** A member gets no more calls. */
  forget(member: Member): void {
    for (const [state, other] of this.#members) if (other === member) this.#members.delete(state);
  }
}
