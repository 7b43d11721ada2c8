/**
 * Where in a document each key stands.
 *
 * @module
 */

/** Keys and array indexes from the root of a document. */
export type KeyPath = readonly (string | number)[];

/** Lines by key path; the first line is 1. */
export class DocumentLines {
  readonly #lines = new Map<string, number>();

  /** Notes the line of a key; the first note stays. */
  set(path: KeyPath, line: number): void {
    const key = keyOf(path);
    if (!this.#lines.has(key)) this.#lines.set(key, line);
  }

  /** Whether this very key was noted. */
  has(path: KeyPath): boolean {
    return this.#lines.has(keyOf(path));
  }

  /** Line of a key, or of the nearest key around it. */
  find(path: KeyPath): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(keyOf(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }
}

function keyOf(path: KeyPath): string {
  return path.map((part) => `${String(part).length}:${part}`).join("");
}

/** Line of an offset by binary search over the starts of lines. */
export function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

/** Text that is not a document of its format; becomes a `ConfigError` with the file's name. */
export class SyntaxFault extends Error {
  override name = "SyntaxFault";
  readonly line: number;
  readonly advice: string;
  constructor(why: string, line: number, advice = "correct the file") {
    super(why);
    this.line = line;
    this.advice = advice;
  }
}

/** What a parser of one format gives. */
export interface Parsed {
  readonly value: unknown;
  readonly lines: DocumentLines;
}
