/**
 * The nearest known word to one that is not known.
 *
 * @module
 */

/** Longest word that is compared: a distance costs the product of both lengths. */
const WORD_LENGTH_MAX = 64;

/** Insertions, deletions, replacements and swaps of neighbours between two words, ignoring case. */
export function editDistance(left: string, right: string): number {
  const a = left.slice(0, WORD_LENGTH_MAX).toLowerCase();
  const b = right.slice(0, WORD_LENGTH_MAX).toLowerCase();
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        previous[column] + 1,
        current[column - 1] + 1,
        previous[column - 1] + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, before[column - 2] + 1);
      }
      current.push(cost);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length];
}

/** The known word a user most likely meant, or `undefined` when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
