/**
 * Makes values fit for a log line: a bounded copy of plain data without secrets.
 *
 * @module
 */

/** Stands where a secret was. */
export const REDACTED = "[redacted]";

const UNREADABLE = "[unreadable]";
const DEPTH_MAX = 5;
const ENTRIES_MAX = 64;
const TEXT_CHARS_MAX = 4096;
/** Values copied for one line, whatever their nesting. */
const VALUES_MAX = 512;

/** Matched against keys in lower case without `-`, `_` and blanks. */
const SECRET_KEY =
  /authorization|cookie|passw(or)?d|^pwd$|passphrase|secret|signature$|requeststate|apikey|accesskey|privatekey|credential|bearer|^jwt$|assertion|(?<!progress)tokens?$/;
const SESSION_KEY = /sessionid$/;

/**
 * Secrets inside text, each with what to keep of it. No pattern starts with a repetition and every one is
 * linear or bounded: the text may come from an attacker.
 */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  // header lines
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|mcp-session-id)(["']?\s*[:=]\s*)[^\r\n]+/gi,
    "$1$2",
  ],
  [/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{4,}/gi, "$1 "],
  // scheme://user:password@host
  [/(:\/\/)[^\s/?#]+(?=@)/g, "$1"],
  // arguments of programs
  [/(--[\w-]{0,40}(?:token|secret|password|key)\s+)[^\s-]\S*/gi, "$1"],
  // key=value and "key": "value"
  [
    /((?:token|secret|passw(?:or)?d|\bpwd|passphrase|(?:api|access|private)[_-]?key|signature|assertion|requestState)\\?["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|\\?["']?[^\s&;,"'}\\]+)/gi,
    "$1",
  ],
  [/([?&](?:key|code|sig|signature)=)[^\s&#"']+/gi, "$1"],
  [/-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\s\S]*?(?:-----END|$)/g, ""],
  // tokens known by their look: JWT and the prefixes of large services
  [/\beyJ[\w-]{8,512}\.[\w-]+\.[\w-]*/g, ""],
  [/\b(Token)\s+[\w.~+/=-]{16,}/g, "$1 "],
  [/\bA(?:KIA|SIA)[A-Z0-9]{12,}/g, ""],
  [/\b(?:sk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abp])[-_][\w-]{16,}/g, ""],
];

/** The text with secrets replaced, cut to 4,096 characters. */
export function redactText(text: string): string {
  let clean = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}...` : text;
  for (const [pattern, kept] of SECRET_TEXTS) clean = clean.replace(pattern, `${kept}${REDACTED}`);
  return clean;
}

/** What {@link redactFields} shows. */
export interface RedactOptions {
  /** Whether errors show their stack; off by default. */
  readonly stacks?: boolean;
}

/**
 * A copy of the fields as plain JSON data. Values under keys that name a secret are replaced, session ids are
 * cut to their first 6 characters, secrets inside text are replaced, and depth, width and length are
 * bounded (so cycles end). Never throws: what cannot be read says so.
 */
export function redactFields(
  fields: Readonly<Record<string, unknown>>,
  { stacks = false }: RedactOptions = {},
): Record<string, unknown> {
  try {
    return new Copy(stacks).entries(readEntries(fields), 0);
  } catch {
    return { fields: UNREADABLE };
  }
}

/** One copy in progress, with its budget. */
class Copy {
  #valuesLeft = VALUES_MAX;
  readonly #stacks: boolean;

  constructor(stacks: boolean) {
    this.#stacks = stacks;
  }

  entries(entries: Iterable<[string, unknown]>, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    let count = 0;
    for (const [key, value] of entries) {
      if (++count > ENTRIES_MAX) {
        copy["..."] = "more";
        break;
      }
      const shown = this.#named(key, value, depth);
      if (shown !== undefined) copy[key] = shown;
    }
    return copy;
  }

  #named(key: string, value: unknown, depth: number): unknown {
    if (value === undefined || value === null) return value;
    const plainKey = key.toLowerCase().replace(/[-_\s]/g, "");
    if (SECRET_KEY.test(plainKey) && typeof value !== "boolean") return REDACTED;
    if (SESSION_KEY.test(plainKey)) return `${String(value).slice(0, 6)}...`;
    try {
      return this.#value(value, depth);
    } catch {
      return UNREADABLE; // a proxy that throws
    }
  }

  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return redactText(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
        return value;
      case "bigint":
        return String(value);
      case "object":
        return value === null ? null : this.#object(value, depth + 1);
      default:
        return undefined;
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > DEPTH_MAX || --this.#valuesLeft < 0) return "[...]";
    if (value instanceof Error) return this.#error(value, depth);
    if (value instanceof Date) return Number.isNaN(+value) ? "invalid date" : value.toISOString();
    if (value instanceof URL) return redactText(value.href);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return this.#array(value, depth);
    if (value instanceof Map) return this.entries(stringKeys(value), depth);
    if (value instanceof Set) return this.#array([...value], depth);
    if (value instanceof Headers) return this.entries(value, depth);
    return this.entries(readEntries(value as Record<string, unknown>), depth);
  }

  /** A pair of two texts is taken for a header or a key with its value. */
  #array(values: readonly unknown[], depth: number): unknown {
    const [first, second] = values;
    if (values.length === 2 && typeof first === "string" && typeof second === "string") {
      return [redactText(first), this.#named(first, second, depth)];
    }
    const shown = values.slice(0, ENTRIES_MAX).map((value) => this.#named("", value, depth));
    return values.length > ENTRIES_MAX ? [...shown, "..."] : shown;
  }

  #error(error: Error, depth: number): Record<string, unknown> {
    const { name, message, stack, cause } = error;
    const { code } = error as Error & { code?: unknown };
    return this.entries(
      Object.entries({ type: name, message, code, stack: this.#stacks ? stack : undefined, cause }),
      depth,
    );
  }
}

/** Own enumerable entries; a getter that throws costs its own value only. */
function* readEntries(object: Readonly<Record<string, unknown>>): Generator<[string, unknown]> {
  for (const key of Object.keys(object)) {
    let value: unknown = UNREADABLE;
    try {
      value = object[key];
    } catch {
      // shown as unreadable
    }
    yield [key, value];
  }
}

function* stringKeys(map: ReadonlyMap<unknown, unknown>): Generator<[string, unknown]> {
  for (const [key, value] of map) yield [String(key), value];
}
