/**
 * Members that have room, in no order: kept up to date, so that no call has to look for them.
 *
 * @module
 */
import type { Member } from "./member.ts";

/** See the module. */
export class FreeList {
  readonly #members: Member[] = [];

  /** Not to be kept. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** A member's room may have changed. */
  note(member: Member): void {
    if (member.hasRoom === member.isListed) return;
    if (!member.hasRoom) return this.delete(member);
    member.isListed = true;
    this.#members.push(member);
  }

  /** A member gets no more calls. */
  delete(member: Member): void {
    if (!member.isListed) return;
    member.isListed = false;
    const last = this.#members.pop()!;
    if (last !== member) this.#members[this.#members.indexOf(member)] = last;
  }

  clear(): void {
    this.#members.length = 0;
  }
}
