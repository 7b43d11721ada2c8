/**
 * Which requests can be answered from a cache, and what makes two of them the same.
 *
 * Source: MCP specification, server/utilities/caching (cache key), 2026-07-28.
 *
 * @module
 */
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";

/** What an answer is about: what is told to have changed, together. */
export type CachedKind = "tools" | "prompts" | "resources" | "contents" | "prompt" | "discovery";

/** A request that a cache may answer. */
export interface CachedRequest {
  readonly kind: CachedKind;
  readonly method: string;
  /** The same for requests whose method, protocol version and parameters are. */
  readonly key: string;
  /** What the client says of itself in the request, where it does: an answer may depend on that. */
  readonly client: string;
  /** Whether it belongs to the era without handshake. */
  readonly isModern: boolean;
  /** Of a request for contents. */
  readonly uri: string | undefined;
  /** Whether it asks for a list from its beginning. */
  readonly isFirstPage: boolean;
}

const KINDS: ReadonlyMap<string, CachedKind> = new Map([
  ["tools/list", "tools"],
  ["prompts/list", "prompts"],
  ["resources/list", "resources"],
  ["resources/templates/list", "resources"],
  ["resources/read", "contents"],
  ["prompts/get", "prompt"],
  ["server/discover", "discovery"],
]);

/** Parameters of each kind that are understood; a request with others is never answered from a cache. */
const PARAMETERS: Readonly<Record<CachedKind, readonly string[]>> = {
  tools: ["cursor"],
  prompts: ["cursor"],
  resources: ["cursor"],
  contents: ["uri"],
  prompt: ["name", "arguments"],
  discovery: [],
};

/** Keys in `_meta` that say who asks, or whom to tell, and not what is asked for. */
const CIRCUMSTANCES: ReadonlySet<string> = new Set([
  "progressToken",
  "traceparent",
  "tracestate",
  "baggage",
  "io.modelcontextprotocol/protocolVersion",
  "io.modelcontextprotocol/logLevel",
]);

/** Spellings that are remembered: reading one anew takes 5 us. */
const SPELLINGS_MAX = 2048;
/** Longer ones are read each time, bytes. */
const SPELLING_BYTES_MAX = 1024;

/** What a method's answers are about; `undefined` for methods whose answers are never kept. */
export function kindOf(method: string | undefined): CachedKind | undefined {
  return method === undefined ? undefined : KINDS.get(method);
}

/**
 * Reads requests. A client spells its requests the same way each time, but for id and progress token: so the text
 * around these two is looked up first, and is read only when it is new.
 */
export class RequestKeys {
  readonly #prefix: string;
  readonly #bySpelling = new Map<string, CachedRequest | null>();

  /** @param prefix begins all keys */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The request behind a message whose method has a kind; `undefined` when it is not one that can be cached. */
  of(message: Message, kind: CachedKind): CachedRequest | undefined {
    const { bytes } = message;
    if (bytes.length > SPELLING_BYTES_MAX) return this.#read(message, kind);
    const spelling = spellingOf(message);
    let known = this.#bySpelling.get(spelling);
    if (known === undefined) {
      known = this.#read(message, kind) ?? null;
      if (this.#bySpelling.size >= SPELLINGS_MAX) this.#bySpelling.clear();
      this.#bySpelling.set(spelling, known);
    }
    return known ?? undefined;
  }

  #read(message: Message, kind: CachedKind): CachedRequest | undefined {
    const raw = new RawObject(message.bytes).get("params");
    const params = new RawObject(raw);
    const meta = params.object("_meta");
    params.delete("_meta");
    for (const key of params.keys()) if (!PARAMETERS[kind].includes(key)) return undefined;
    let client = "";
    for (const key of ["clientCapabilities", "clientInfo"] as const) {
      const field = message.metaField(key);
      if (field !== undefined) client += `${key}=${latin1(field)}\n`;
      meta.delete(`io.modelcontextprotocol/${key}`);
    }
    for (const key of [...meta.keys()]) if (CIRCUMSTANCES.has(key)) meta.delete(key);
    // A key that is there twice counts once here, and who knows how at the server: then all of the text is the key.
    const isPlain = raw === undefined || isCompact(raw);
    const asked = isPlain ? latin1(params.bytes()) + latin1(meta.bytes()) : latin1(raw!);
    const version = message.protocolVersion ?? "";
    return {
      kind,
      method: message.method!,
      key: `${this.#prefix}\n${message.method}\n${version}\n${asked}`,
      client,
      isModern: message.protocolVersion !== undefined,
      uri: kind === "contents" ? message.uri : undefined,
      isFirstPage: params.get("cursor") === undefined,
    };
  }
}

/** Whether taking an object apart and putting it together again gives the same text: then no key is there twice. */
function isCompact(raw: Uint8Array): boolean {
  const params = new RawObject(raw);
  const meta = params.get("_meta");
  if (!sameBytes(params.bytes(), raw)) return false;
  return meta === undefined || sameBytes(params.object("_meta").bytes(), meta);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** The bytes without those of id and progress token; NUL, which JSON never holds, marks where they stood. */
function spellingOf({ bytes, id, progressToken }: Message): string {
  const idStart = id!.byteOffset - bytes.byteOffset, idEnd = idStart + id!.length;
  if (progressToken === undefined) {
    return `${latin1(bytes, 0, idStart)}\0${latin1(bytes, idEnd)}`;
  }
  const start = progressToken.byteOffset - bytes.byteOffset, end = start + progressToken.length;
  return start > idEnd
    ? `${latin1(bytes, 0, idStart)}\0${latin1(bytes, idEnd, start)}\0${latin1(bytes, end)}`
    : `${latin1(bytes, 0, start)}\0${latin1(bytes, end, idStart)}\0\0${latin1(bytes, idEnd)}`;
}

/** Each byte as the character of its number: as unique as the bytes, and ten times as fast as decoding them. */
function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let at = start; at < end; at += CHARACTERS_AT_ONCE) {
    const part = bytes.subarray(at, Math.min(end, at + CHARACTERS_AT_ONCE));
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** As arguments of one call; the stack has room for many more. */
const CHARACTERS_AT_ONCE = 4096;
