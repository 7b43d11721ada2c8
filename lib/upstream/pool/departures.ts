/**
 * Members of a pool that have no place any more: each finishes its calls, then it is ended.
 *
 * @module
 */
import type { Member } from "./member.ts";

/** See the module. */
export class Departures {
  readonly #failed: (member: Member, error: unknown) => void;
  readonly #leaving = new Set<Member>();
  readonly #ending = new Set<Promise<unknown>>();

  /** @param failed told of a member that could not be ended in order */
  constructor(failed: (member: Member, error: unknown) => void) {
    this.#failed = failed;
  }

  /** Whether none is left that has calls. */
  get isEmpty(): boolean {
    return this.#leaving.size === 0;
  }

  /** A member is to go. */
  add(member: Member): void {
    member.leave();
    this.#leaving.add(member);
    this.callEnded(member);
  }

  /** One of its calls has ended. */
  callEnded(member: Member): void {
    if (member.load() === 0 && this.#leaving.delete(member)) this.end(member);
  }

  /** Ends a member whatever it does. */
  end(member: Member): void {
    this.await(member[Symbol.asyncDispose]().catch((error) => this.#failed(member, error)));
  }

  /** Waits for this, too, when everything ends. */
  await(what: Promise<unknown>): void {
    const kept = what.finally(() => this.#ending.delete(kept));
    this.#ending.add(kept);
  }

  /** Ends all; resolves when they have. */
  async endAll(): Promise<void> {
    for (const member of this.#leaving) this.end(member);
    this.#leaving.clear();
    await Promise.all(this.#ending);
  }
}
