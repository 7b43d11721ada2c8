/**
 * Consistent hashing: which of a changing set of members a key belongs to. When one of n members comes or
 * goes, about 1/n of the keys change theirs (Karger et al., "Consistent Hashing and Random Trees", 1997).
 *
 * @module
 */

/** Points that each member has on the ring: its share of the keys is within about 12 % of the mean. */
const POINTS_PER_MEMBER = 64;

interface Point {
  readonly at: number;
  readonly member: number;
}

/** Members, named by numbers, on a ring of hashes. */
export class HashRing {
  #points: Point[] = [];
  readonly #members = new Set<number>();

  /** Adds a member; nothing happens when it is there. */
  add(member: number): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    const added = Array.from(
      { length: POINTS_PER_MEMBER },
      (_, i) => ({ at: hash(`${member}/${i}`), member }),
    );
    this.#points = merged(this.#points, added.sort(byPlace));
  }

  /** Removes a member. */
  delete(member: number): void {
    if (!this.#members.delete(member)) return;
    this.#points = this.#points.filter((point) => point.member !== member);
  }

  /** The member that a key belongs to; `undefined` when there is none. */
  find(key: string): number | undefined {
    const points = this.#points;
    const at = hash(key);
    let low = 0, high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle].at < at) low = middle + 1;
      else high = middle;
    }
    return points[low % points.length]?.member;
  }
}

/** Sorting everything anew for each of 1000 members would take seconds. */
function merged(some: readonly Point[], others: readonly Point[]): Point[] {
  const all: Point[] = [];
  let i = 0, j = 0;
  while (i < some.length || j < others.length) {
    const isFirst = j === others.length || (i < some.length && byPlace(some[i], others[j]) <= 0);
    all.push(isFirst ? some[i++] : others[j++]);
  }
  return all;
}

function byPlace(a: Point, b: Point): number {
  return a.at - b.at || a.member - b.member; // in the same order however they came
}

/** FNV-1a, its bits mixed once more: similar texts must not be neighbours. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
