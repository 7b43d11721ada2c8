/**
 * A JSON-RPC message: an envelope over its bytes. The bytes are forwarded as they came; only the
 * envelope is read, and ids are changed by splicing.
 *
 * @module
 */
import { spliced } from "./byte_pool.ts";
import { Slot } from "./envelope.ts";
import type { GatewayError } from "./errors.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { nameAt, stringAt } from "./json_string.ts";
import type { MessageContext, MetaField } from "./message_context.ts";
import { type IdKey, idKey } from "./message_id.ts";
import { findPart, type MessageParts, movedParts, partsOf } from "./message_parts.ts";
import { invalidRequest, problemOf } from "./message_problem.ts";
import { lastScan, readableId, scanMessage } from "./message_scan.ts";
import { knownMethod } from "./method_names.ts";

/** What a message is. `invalid` stands for content that is no message: `problem` says why. */
export type Kind = "request" | "response" | "notification" | "invalid";

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, OPEN_BRACKET = 0x5b, LOWER_T = 0x74;

/** Immutable. Its bytes may be a view of a larger buffer, which nobody writes to any more. */
export class Message {
  /** Deepest nesting allowed where nothing else is said: one setting of the whole process. */
  static jsonDepthMax = JSON_DEPTH_MAX;

  readonly kind: Kind;
  /** Exactly the JSON text; of kind `invalid` only the text of the id, if one was readable, or of a batch. */
  readonly bytes: Uint8Array;
  /** Of requests and notifications. */
  readonly method: string | undefined;
  /** Of kind `invalid`: the error to answer with. */
  readonly problem: GatewayError | undefined;
  /** Whether LF or CR stands between tokens. */
  readonly hasLineBreaks: boolean;
  readonly #idStart: number;
  readonly #idEnd: number;
  readonly #parts: MessageParts;
  /** What transports know of the message beyond its bytes. */
  readonly context: MessageContext | undefined;
  #json: unknown;

  /** For the reader below and for composers: a message whose parts are known. */
  constructor(
    kind: Kind,
    bytes: Uint8Array,
    method: string | undefined,
    problem: GatewayError | undefined,
    hasLineBreaks: boolean,
    idStart: number,
    idEnd: number,
    parts: MessageParts,
    context?: MessageContext,
  ) {
    this.kind = kind;
    this.bytes = bytes;
    this.method = method;
    this.problem = problem;
    this.hasLineBreaks = hasLineBreaks;
    this.#idStart = idStart;
    this.#idEnd = idEnd;
    this.#parts = parts;
    this.context = context;
  }

  /**
   * Reads one message. Never throws: what is not a message becomes kind `invalid`, with the id where
   * one could be read.
   *
   * @param jsonDepthMax deepest nesting allowed
   */
  static from(bytes: Uint8Array, jsonDepthMax = Message.jsonDepthMax): Message {
    try {
      scanMessage(bytes, jsonDepthMax);
      return found();
    } catch (error) {
      return Message.invalid(problemOf(error, bytes), readableId(bytes));
    }
  }

  /** A stand-in for content that is no message. */
  static invalid(problem: GatewayError, id?: Uint8Array): Message {
    const bytes = id ?? NOTHING;
    return new Message("invalid", bytes, undefined, problem, false, 0, bytes.length, undefined);
  }

  /** A JSON-RPC batch: no message, but for those who speak a version with batches its text is kept. */
  static batch(bytes: Uint8Array): Message {
    const problem = invalidRequest("batches are not part of this protocol version");
    return new Message("invalid", bytes, undefined, problem, false, -1, -1, undefined);
  }

  /** Raw JSON text; `undefined` for notifications and answers to nobody. */
  get id(): Uint8Array | undefined {
    const start = this.#idStart, end = this.#idEnd;
    return end > start ? this.bytes.subarray(start, end) : undefined;
  }

  /** The id as a key; `undefined` like {@link Message.id}, which costs a view of 120 bytes. */
  get idKey(): IdKey | undefined {
    return this.#idEnd > this.#idStart ? idKey(this.bytes, this.#idStart, this.#idEnd) : undefined;
  }

  /** Bytes of the id; 0 where there is none. */
  get idLength(): number {
    return this.#idEnd - this.#idStart;
  }

  /** Copies the id. */
  copyId(into: Uint8Array, at: number): void {
    for (let i = this.#idStart; i < this.#idEnd; i++) into[at++] = this.bytes[i];
  }

  /** Where a part begins in the bytes, for who needs no view of it; -1 when it is absent. */
  startOf(slot: number): number {
    const at = findPart(this.#parts, slot);
    return at < 0 ? -1 : this.#parts![at + 1];
  }

  /** Where it ends; -1 when it is absent. */
  endOf(slot: number): number {
    const at = findPart(this.#parts, slot);
    return at < 0 ? -1 : this.#parts![at + 2];
  }

  /** `params.name`, decoded; `undefined` when absent or not a string. */
  get name(): string | undefined {
    const at = findPart(this.#parts, Slot.name);
    return at < 0 ? undefined : nameAt(this.bytes, this.#parts![at + 1], this.#parts![at + 2]);
  }

  /** `params.uri`, likewise. */
  get uri(): string | undefined {
    return this.#string(Slot.uri);
  }

  /** Raw `params.arguments`. */
  get arguments(): Uint8Array | undefined {
    return this.#raw(Slot.arguments);
  }

  /** Raw progress token: `_meta.progressToken` of a request, `params.progressToken` of a progress notification. */
  get progressToken(): Uint8Array | undefined {
    return this.#raw(this.#tokenSlot);
  }

  /** Raw `params.requestId` of `notifications/cancelled`. */
  get requestId(): Uint8Array | undefined {
    return this.#raw(Slot.requestId);
  }

  /** `params._meta` protocol version of a request of the era without handshake; `undefined` elsewhere. */
  get protocolVersion(): string | undefined {
    return this.#string(Slot.protocolVersion);
  }

  /** Raw `params._meta` value of a protocol field of a request. */
  metaField(field: MetaField): Uint8Array | undefined {
    return this.#raw(Slot[field]);
  }

  /** Raw `params._meta` subscription id of a notification on a listen stream. */
  get subscriptionId(): Uint8Array | undefined {
    return this.#raw(Slot.subscriptionId);
  }

  /** `result.resultType`, decoded; `undefined` in answers of servers with handshake. */
  get resultType(): string | undefined {
    return this.#string(Slot.resultType);
  }

  /** Whether this is a JSON-RPC batch, whole in {@link Message.bytes}. */
  get isBatch(): boolean {
    return this.kind === "invalid" && this.bytes[0] === OPEN_BRACKET;
  }

  /** Whether this is an answer with an error instead of a result. */
  get isError(): boolean {
    return findPart(this.#parts, Slot.error) >= 0;
  }

  /** Whether this is a result that says `isError: true`. */
  get isToolError(): boolean {
    const at = this.kind === "response" ? this.startOf(Slot.isError) : -1;
    return at >= 0 && this.bytes[at] === LOWER_T;
  }

  /** The message as a value, parsed once. Numbers may lose their spelling: forward the bytes, not this. */
  // deno-lint-ignore no-explicit-any -- what a peer sent has no type yet
  json(): any {
    return this.#json ??= JSON.parse(decoder.decode(this.bytes));
  }

  /** The same message under another id; itself when it has none. */
  withId(raw: Uint8Array): Message {
    return this.#idStart < 0 ? this : this.#spliced(this.#idStart, this.#idEnd, raw);
  }

  /** The same with another progress token; itself when it has none. */
  withProgressToken(raw: Uint8Array): Message {
    return this.#withPart(this.#tokenSlot, raw);
  }

  /** The same cancellation for another request; itself when it names none. */
  withRequestId(raw: Uint8Array): Message {
    return this.#withPart(Slot.requestId, raw);
  }

  /** The same notification of another listen stream; itself when it belongs to none. */
  withSubscriptionId(raw: Uint8Array): Message {
    return this.#withPart(Slot.subscriptionId, raw);
  }

  /** The same message with something beside it. */
  withContext(context: MessageContext): Message {
    return new Message(
      this.kind,
      this.bytes,
      this.method,
      this.problem,
      this.hasLineBreaks,
      this.#idStart,
      this.#idEnd,
      this.#parts,
      context,
    );
  }

  /** The bytes for a framing where a line feed ends a message: LF and CR between tokens become spaces. */
  lineBytes(): Uint8Array {
    if (!this.hasLineBreaks) return this.bytes;
    return this.bytes.map((c) => c === LF || c === CR ? SPACE : c);
  }

  get #tokenSlot(): number {
    return this.kind === "request" ? Slot.metaProgressToken : Slot.progressToken;
  }

  #withPart(slot: number, raw: Uint8Array): Message {
    const at = findPart(this.#parts, slot);
    return at < 0 ? this : this.#spliced(this.#parts![at + 1], this.#parts![at + 2], raw);
  }

  #spliced(start: number, end: number, raw: Uint8Array): Message {
    const shift = raw.length - (end - start);
    return new Message(
      this.kind,
      spliced(this.bytes, start, end, raw),
      this.method,
      this.problem,
      this.hasLineBreaks,
      this.#idStart >= end ? this.#idStart + shift : this.#idStart,
      this.#idEnd >= end ? this.#idEnd + shift : this.#idEnd,
      movedParts(this.#parts, end, shift),
      this.context,
    );
  }

  #raw(slot: number): Uint8Array | undefined {
    const at = findPart(this.#parts, slot);
    return at < 0 ? undefined : this.bytes.subarray(this.#parts![at + 1], this.#parts![at + 2]);
  }

  #string(slot: number): string | undefined {
    const at = findPart(this.#parts, slot);
    if (at < 0) return undefined;
    return stringAt(this.bytes, this.#parts![at + 1], this.#parts![at + 2]);
  }
}

const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

/** The message that the last scan has found. */
function found(): Message {
  const { bytes, isBatch, offence, spans, hasLineBreaks } = lastScan;
  if (isBatch) return Message.batch(bytes);
  if (offence !== undefined) return Message.invalid(invalidRequest(offence), readableId(bytes));
  const idStart = spans[2 * Slot.id], idEnd = spans[2 * Slot.id + 1];
  const methodStart = spans[2 * Slot.method], methodEnd = spans[2 * Slot.method + 1];
  const parts = partsOf(spans);
  if (methodStart < 0) {
    return new Message(
      "response",
      bytes,
      undefined,
      undefined,
      hasLineBreaks,
      idStart,
      idEnd,
      parts,
    );
  }
  const method = knownMethod(bytes, methodStart + 1, methodEnd - 1) ??
    stringAt(bytes, methodStart, methodEnd);
  const kind = idStart < 0 ? "notification" : "request";
  return new Message(kind, bytes, method, undefined, hasLineBreaks, idStart, idEnd, parts);
}
