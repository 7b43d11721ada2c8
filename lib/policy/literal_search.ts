/**
 * Finds any of many texts in the strings of a JSON text, in one pass and in time that grows with the text alone:
 * the automaton of Aho and Corasick ("Efficient string matching", 1975) over what a parser would make of the
 * strings. `\u003cscript` and `<script` are the same to it, and nothing in it ever goes back.
 *
 * @module
 */

/** A text that is looked for. */
export interface Literal {
  /** Letters of ASCII stand for both cases; white space stands for any amount of it. */
  readonly text: string;
  /** Whether no letter, digit, `_` or `-` may stand before it. */
  readonly isWord?: boolean;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, LOWER_U = 0x75, SPACE = 0x20;
/** The class of every byte that stands in no text. */
const OTHER = 0;
const ROOT = 0;

interface Found {
  readonly rule: string;
  /** Bytes of the text, where what stands before it matters; else 0. */
  readonly wordBytes: number;
}

/** Bytes that are remembered to look at what stands before a text: a power of two. */
const HISTORY_BYTES = 64;

/** An automaton made for some rules. Not to be shared between threads: it has a history. */
export class LiteralSearch {
  readonly #classes = new Uint8Array(256);
  readonly #classCount: number;
  /** Next state by state and class. */
  readonly #next: Int32Array;
  /** What ends at a state, its suffixes included. */
  readonly #found: readonly (readonly Found[] | undefined)[];
  readonly #skipsControls: boolean;
  readonly #history = new Uint8Array(HISTORY_BYTES);
  #state = ROOT;
  #count = 0;
  #wasSpace = false;

  /**
   * @param rules texts by the name of their rule
   * @param skipsControls whether tabs, line ends and the like count as nothing, not as white space
   * @throws {RangeError} a text that is empty, or longer than 60 bytes and `isWord`
   */
  constructor(
    rules: readonly (readonly [rule: string, literals: readonly Literal[]])[],
    skipsControls = false,
  ) {
    this.#skipsControls = skipsControls;
    const words = rules.flatMap(([rule, literals]) =>
      literals.map((literal) => ({ rule, isWord: literal.isWord === true, bytes: folded(literal) }))
    );
    let classes = OTHER;
    for (const byte of words.flatMap(({ bytes }) => [...bytes])) {
      if (this.#classes[byte] === OTHER) this.#classes[byte] = ++classes;
    }
    for (let c = 0x41; c <= 0x5a; c++) this.#classes[c] = this.#classes[c | 0x20];
    this.#classCount = classes + 1;
    const stateMax = 1 + words.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#next = new Int32Array(stateMax * this.#classCount);
    const found: Found[][] = [];
    for (const { rule, isWord, bytes } of words) {
      const end = this.#spell(bytes, found);
      found[end].push({ rule, wordBytes: isWord ? bytes.length : 0 });
    }
    this.#link(found);
    this.#found = found.map((list) => list.length > 0 ? list : undefined);
  }

  /** The rule of the text that ends first in a string of a JSON text, keys included; `undefined` without one. */
  find(json: Uint8Array): string | undefined {
    for (let pos = json.indexOf(QUOTE); pos >= 0; pos = json.indexOf(QUOTE, pos)) {
      this.#begin();
      for (pos++; pos < json.length && json[pos] !== QUOTE; pos++) {
        const byte = json[pos];
        let rule: string | undefined;
        if (byte !== BACKSLASH) rule = this.#feed(byte);
        else if (json[pos + 1] === LOWER_U) {
          const text = unescaped(json, pos);
          rule = this.#feedText(text);
          pos += 6 * text.length - 1;
        } else rule = this.#feed(UNESCAPED[json[++pos]]);
        if (rule !== undefined) return rule;
      }
      pos++;
    }
  }

  #begin(): void {
    this.#state = ROOT;
    this.#count = 0;
    this.#wasSpace = false;
  }

  #feedText(text: string): string | undefined {
    const unit = text.charCodeAt(0);
    if (unit < 0x80) return this.#feed(unit);
    let rule: string | undefined;
    for (const byte of encoder.encode(text)) rule ??= this.#feed(byte);
    return rule;
  }

  #feed(byte: number): string | undefined {
    if (byte <= SPACE) {
      if (this.#wasSpace || (this.#skipsControls && byte < SPACE)) return undefined;
      byte = SPACE;
    }
    this.#wasSpace = byte === SPACE;
    this.#history[this.#count++ & (HISTORY_BYTES - 1)] = byte;
    this.#state = this.#next[this.#state * this.#classCount + this.#classes[byte]];
    const found = this.#found[this.#state];
    if (found === undefined) return undefined;
    for (const { rule, wordBytes } of found) {
      if (wordBytes === 0 || !this.#isInWord(wordBytes)) return rule;
    }
  }

  /** Whether what has just been found is the end of a longer word. */
  #isInWord(bytes: number): boolean {
    const before = this.#count - bytes - 1;
    return before >= 0 && WORD[this.#history[before & (HISTORY_BYTES - 1)]] === 1;
  }

  /** Adds the states of a text; returns the last. */
  #spell(bytes: Uint8Array, found: Found[][]): number {
    if (found.length === 0) found.push([]);
    let state = ROOT;
    for (const byte of bytes) {
      const at = state * this.#classCount + this.#classes[byte];
      if (this.#next[at] === ROOT) {
        this.#next[at] = found.length;
        found.push([]);
      }
      state = this.#next[at];
    }
    return state;
  }

  /** Makes the tree an automaton: where it has no branch, go on as from the longest suffix that has one. */
  #link(found: Found[][]): void {
    const width = this.#classCount;
    const suffix = new Int32Array(found.length);
    const queue: number[] = [];
    for (let c = 0; c < width; c++) if (this.#next[c] !== ROOT) queue.push(this.#next[c]);
    for (const state of queue) {
      found[state].push(...found[suffix[state]]);
      for (let c = 0; c < width; c++) {
        const child = this.#next[state * width + c];
        const other = this.#next[suffix[state] * width + c];
        if (child === ROOT) this.#next[state * width + c] = other;
        else {
          suffix[child] = other;
          queue.push(child);
        }
      }
    }
  }
}

const encoder = new TextEncoder();

/** The bytes of a text as they are looked for: small letters, one space for any white space. */
function folded({ text, isWord }: Literal): Uint8Array {
  const bytes = encoder.encode(
    text.replace(/[\0-\x20]+/g, " ").replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  );
  if (bytes.length === 0) throw new RangeError("Cannot look for a text that is empty");
  if (isWord && bytes.length > HISTORY_BYTES - 4) {
    throw new RangeError(`Cannot look for a word of ${bytes.length} bytes`);
  }
  return bytes;
}

/** The character whose escape starts at a position: one UTF-16 unit, or two where they are a pair. */
function unescaped(bytes: Uint8Array, pos: number): string {
  const unit = hex4(bytes, pos + 2);
  const isHigh = unit >= 0xd800 && unit < 0xdc00;
  if (isHigh && bytes[pos + 6] === BACKSLASH && bytes[pos + 7] === LOWER_U) {
    const low = hex4(bytes, pos + 8);
    if (low >= 0xdc00 && low < 0xe000) return String.fromCharCode(unit, low);
  }
  return String.fromCharCode(unit);
}

function hex4(bytes: Uint8Array, pos: number): number {
  let value = 0;
  for (let i = pos; i < pos + 4; i++) value = value << 4 | (bytes[i] & 0xf) + (bytes[i] >> 6) * 9;
  return value;
}

/** What stands for a byte after a backslash. */
const UNESCAPED = new Uint8Array(256).map((_, byte) => byte);
for (const [escape, byte] of [["b", 8], ["f", 12], ["n", 10], ["r", 13], ["t", 9]] as const) {
  UNESCAPED[escape.charCodeAt(0)] = byte;
}

const WORD = new Uint8Array(256);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") {
  WORD[c.charCodeAt(0)] = 1;
}
