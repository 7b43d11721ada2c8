/**
 * Which clients belong to a share of all: the same ones every time, and other ones for every name.
 *
 * @module
 */

/** Shares are told apart to a hundredth of a percent. */
const STEPS = 10_000;
const FNV_OFFSET = 0x811c9dc5, FNV_PRIME = 0x01000193;

/**
 * Whether a client belongs to a share. Whoever belongs to a smaller share belongs to every larger one, too.
 *
 * @param name what is shared out: clients that are first for one thing are not for the next
 * @param client anything that stays the same for it
 * @param percent 0 to 100
 */
export function isInShare(name: string, client: string, percent: number): boolean {
  return stepOf(name, client) < percent / 100 * STEPS;
}

/** FNV-1a, and a last mix (of MurmurHash3): the low bits of similar names are too much alike without. */
function stepOf(name: string, client: string): number {
  let hash = FNV_OFFSET;
  for (const text of [name, client]) {
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
    }
    hash = Math.imul(hash ^ 0xff, FNV_PRIME);
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return ((hash ^ hash >>> 16) >>> 0) % STEPS;
}
