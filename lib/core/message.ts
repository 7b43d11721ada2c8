/**
 * A JSON-RPC message: an envelope over its bytes. The bytes are forwarded as they came; only the
 * envelope is read, and ids are changed by splicing.
 *
 * @module
 */
import { allocate } from "./byte_pool.ts";
import { presentDetails, Slot } from "./envelope.ts";
import type { GatewayError } from "./errors.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { stringAt } from "./json_string.ts";
import type { MessageContext, MetaField } from "./message_context.ts";
import { invalidRequest, problemOf } from "./message_problem.ts";
import { lastScan, readableId, scanMessage } from "./message_scan.ts";
import { knownMethod } from "./method_names.ts";

/** What a message is. `invalid` stands for content that is no message: `problem` says why. */
export type Kind = "request" | "response" | "notification" | "invalid";

const OPEN_BRACKET = 0x5b;
const LF = 0x0a, CR = 0x0d, SPACE = 0x20, LOWER_T = 0x74;

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
  /** The parts that are present, three numbers each: slot, start, end. */
  readonly #details: number[] | undefined;
  /** What transports know of the message beyond its bytes. */
  readonly context: MessageContext | undefined;
  #json: unknown;

  private constructor(
    kind: Kind,
    bytes: Uint8Array,
    method: string | undefined,
    problem: GatewayError | undefined,
    hasLineBreaks: boolean,
    idStart: number,
    idEnd: number,
    details: number[] | undefined,
    context?: MessageContext,
  ) {
    this.kind = kind;
    this.bytes = bytes;
    this.method = method;
    this.problem = problem;
    this.hasLineBreaks = hasLineBreaks;
    this.#idStart = idStart;
    this.#idEnd = idEnd;
    this.#details = details;
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

  /** For the reader below: a message whose parts have been found. */
  static located(
    kind: Kind,
    bytes: Uint8Array,
    method: string | undefined,
    hasLineBreaks: boolean,
    spans: readonly number[],
  ): Message {
    const details = presentDetails(spans);
    const at = 2 * Slot.id;
    return new Message(
      kind,
      bytes,
      method,
      undefined,
      hasLineBreaks,
      spans[at],
      spans[at + 1],
      details,
    );
  }

  /** Raw JSON text; `undefined` for notifications and answers to nobody. */
  get id(): Uint8Array | undefined {
    return this.#idEnd > this.#idStart
      ? this.bytes.subarray(this.#idStart, this.#idEnd)
      : undefined;
  }

  /** `params.name`, decoded; `undefined` when absent or not a string. */
  get name(): string | undefined {
    return this.#string(Slot.name);
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
    return this.#raw(Slot.error) !== undefined;
  }

  /** Whether this is a result that says `isError: true`. */
  get isToolError(): boolean {
    const raw = this.kind === "response" ? this.#raw(Slot.isError) : undefined;
    return raw !== undefined && raw[0] === LOWER_T;
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
    return this.#withDetail(this.#tokenSlot, raw);
  }

  /** The same cancellation for another request; itself when it names none. */
  withRequestId(raw: Uint8Array): Message {
    return this.#withDetail(Slot.requestId, raw);
  }

  /** The same notification of another listen stream; itself when it belongs to none. */
  withSubscriptionId(raw: Uint8Array): Message {
    return this.#withDetail(Slot.subscriptionId, raw);
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
      this.#details,
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

  #withDetail(slot: number, raw: Uint8Array): Message {
    const at = this.#find(slot);
    return at < 0 ? this : this.#spliced(this.#details![at + 1], this.#details![at + 2], raw);
  }

  #spliced(start: number, end: number, raw: Uint8Array): Message {
    const from = this.bytes;
    const shift = raw.length - (end - start);
    const bytes = allocate(from.length + shift);
    for (let i = 0; i < start; i++) bytes[i] = from[i]; // ids stand near the front: cheaper than a view
    bytes.set(raw, start);
    bytes.set(from.subarray(end), start + raw.length);
    const moved = (at: number) => at >= end ? at + shift : at;
    const details = shift === 0 ? this.#details : this.#details?.slice();
    for (let i = 0; shift !== 0 && details !== undefined && i < details.length; i += 3) {
      details[i + 1] = moved(details[i + 1]);
      details[i + 2] = moved(details[i + 2]);
    }
    return new Message(
      this.kind,
      bytes,
      this.method,
      this.problem,
      this.hasLineBreaks,
      moved(this.#idStart),
      moved(this.#idEnd),
      details,
      this.context,
    );
  }

  /** Where a part stands in the details; -1 when it is absent. */
  #find(slot: number): number {
    const details = this.#details;
    if (details === undefined) return -1;
    for (let i = 0; i < details.length; i += 3) if (details[i] === slot) return i;
    return -1;
  }

  #raw(slot: number): Uint8Array | undefined {
    const at = this.#find(slot);
    return at < 0 ? undefined : this.bytes.subarray(this.#details![at + 1], this.#details![at + 2]);
  }

  #string(slot: number): string | undefined {
    const at = this.#find(slot);
    if (at < 0) return undefined;
    return stringAt(this.bytes, this.#details![at + 1], this.#details![at + 2]);
  }
}

const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

/** The message that the last scan has found. */
function found(): Message {
  const { bytes, isBatch, offence, spans, hasLineBreaks } = lastScan;
  if (isBatch) return Message.batch(bytes);
  if (offence !== undefined) return Message.invalid(invalidRequest(offence), readableId(bytes));
  const methodStart = spans[2 * Slot.method], methodEnd = spans[2 * Slot.method + 1];
  if (methodStart < 0) return Message.located("response", bytes, undefined, hasLineBreaks, spans);
  const method = knownMethod(bytes, methodStart + 1, methodEnd - 1) ??
    stringAt(bytes, methodStart, methodEnd);
  const kind = spans[2 * Slot.id] < 0 ? "notification" : "request";
  return Message.located(kind, bytes, method, hasLineBreaks, spans);
}
