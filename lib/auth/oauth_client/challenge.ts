/**
 * What a server says about the authorization that it wants: the `Bearer` challenge of `WWW-Authenticate`.
 *
 * Source: RFC 9110, 11.6.1; RFC 6750, 3; RFC 9728, 5.1.
 *
 * @module
 */

/** A challenge, as far as it is of use. */
export interface BearerChallenge {
  /** Where the metadata of the resource is, as written. */
  readonly resourceMetadata?: string;
  readonly error?: string;
  /** Scopes that the request would have needed. */
  readonly scopes: readonly string[];
}

/** Longest header that is looked at. */
const CHARACTERS_MAX = 8192;
/** Most scopes that a server can have us ask for. */
const SCOPES_MAX = 100;

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const TOKEN = /[!#$%&'*+.^_`|~\w-]/;

/** The `Bearer` challenge of a header; an empty one where there is none, or none that can be read. */
export function bearerChallenge(header: string | undefined): BearerChallenge {
  const parameters = parametersOf(header?.slice(0, CHARACTERS_MAX) ?? "");
  return {
    resourceMetadata: parameters.get("resource_metadata"),
    error: parameters.get("error"),
    scopes: scopesOf(parameters.get("scope")),
  };
}

/** The scopes of a text, each once; what cannot be one is left out. */
export function scopesOf(text: string | undefined): string[] {
  const scopes = (text ?? "").split(" ").filter((scope) => SCOPE.test(scope));
  return [...new Set(scopes)].slice(0, SCOPES_MAX);
}

/** Reads left to right, every character once: the text comes from anybody. */
function parametersOf(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const reader = new Reader(text);
  let isBearer = false;
  while (!reader.isAtEnd) {
    reader.skip(/[\s,]/);
    const word = reader.take(TOKEN);
    if (word === "") break;
    reader.skip(/[ \t]/);
    if (reader.peek() !== "=") {
      isBearer = word.toLowerCase() === "bearer";
      if (isBearer) parameters.clear();
      continue;
    }
    reader.skip(/=/);
    reader.skip(/[ \t]/);
    const value = reader.peek() === '"' ? reader.quoted() : reader.take(/[^\s,]/);
    const name = word.toLowerCase();
    if (isBearer && !parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  peek(): string | undefined {
    return this.#text[this.#at];
  }

  /** The longest run of characters of a class. */
  take(kind: RegExp): string {
    const from = this.#at;
    while (!this.isAtEnd && kind.test(this.#text[this.#at])) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  skip(kind: RegExp): void {
    this.take(kind);
  }

  /** A quoted string, unescaped; one that does not end goes to the end. */
  quoted(): string {
    let value = "";
    for (this.#at++; !this.isAtEnd; this.#at++) {
      const character = this.#text[this.#at];
      if (character === '"') {
        this.#at++;
        break;
      }
      value += character === "\\" ? this.#text[++this.#at] ?? "" : character;
    }
    return value;
  }
}
