/**
 * Which servers stand behind one endpoint, and how they are exchanged while it runs.
 *
 * @module
 */
import { Member, type MemberOptions } from "./member.ts";
import { resourceSchemes } from "./names.ts";

/** Servers in the order of the configuration. Immutable. */
export class Lineup {
  readonly members: readonly Member[];
  readonly #schemes: ReadonlyMap<Member, string>;

  constructor(members: readonly Member[]) {
    this.members = members;
    const schemes = resourceSchemes(members.map(({ prefix }) => prefix));
    this.#schemes = new Map(members.map((member, index) => [member, schemes[index]]));
  }

  /** Before `+` in URIs of a server that another one has too; `undefined` for a server that has left. */
  schemeOf(member: Member): string | undefined {
    return this.#schemes.get(member);
  }
}

/** The servers there are now, and those that are leaving. Dispose it to end all. */
export class Lineups implements AsyncDisposable {
  #current = new Lineup([]);
  #membersMade = 0;
  readonly #leaving = new Map<Member, Promise<void>>();

  constructor(options: readonly MemberOptions[]) {
    this.#exchange(options);
  }

  /** The servers there are now. */
  get current(): Lineup {
    return this.#current;
  }

  /**
   * Makes these the servers. Who is opened in the same way, by the same function, stays, whatever else is different.
   *
   * @returns those that are new, and those that have no place any more: they are to be {@link retire}d
   */
  #exchange(options: readonly MemberOptions[]): { joined: Member[]; left: Member[] } {
    const before = new Map(this.#current.members.map((member) => [member.options.open, member]));
    const members = options.map((one) => {
      const there = before.get(one.open);
      there?.adopt(one);
      return there ?? new Member(this.#membersMade++, one);
    });
    const joined = members.filter(({ options }) => !before.has(options.open));
    const left = this.#current.members.filter((member) => !members.includes(member));
    this.#current = new Lineup(members);
    return { joined, left };
  }

  /**
   * Makes these the servers. Who is opened in the same way, by the same function, stays, with its connections;
   * whoever is left out finishes its calls and ends.
   *
   * @param drainMs a server that leaves has so long for its calls, ms
   * @param exchanged called when the servers have been exchanged, before any of them ends
   * @returns the new ones
   */
  exchange(
    options: readonly MemberOptions[],
    drainMs: number,
    exchanged: () => void,
  ): readonly Member[] {
    const { joined, left } = this.#exchange(options);
    exchanged();
    for (const member of left) {
      const leaving = member.retire(drainMs).finally(() => this.#leaving.delete(member));
      this.#leaving.set(member, leaving);
    }
    return joined;
  }

  /** Calls in flight. */
  get load(): number {
    return this.#all().reduce((sum, { load }) => sum + load, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all().map((member) => member[Symbol.asyncDispose]()));
    await Promise.all(this.#leaving.values());
  }

  #all(): Member[] {
    return [...this.#current.members, ...this.#leaving.keys()];
  }
}
