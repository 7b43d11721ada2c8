/**
 * Spans as the body of a request to `/v1/traces`.
 *
 * Source: opentelemetry-proto, trace/v1/trace.proto; OTLP specification 1.x, JSON protobuf encoding: ids are
 * hexadecimal, 64-bit integers are strings, enumerations are numbers.
 *
 * @module
 */
import { JsonBytes, piece } from "./json_bytes.ts";
import { followWallClock, type Resource, scopeJson, wallClock } from "./otlp_json.ts";
import type { Span } from "./span.ts";

const TRACE_ID = piece('{"traceId":"');
const SPAN_ID = piece('","spanId":"');
const PARENT_ID = piece('","parentSpanId":"');
const END = piece('","endTimeUnixNano":"');
const ATTRIBUTES = piece('","attributes":[');
const STATUS_ERROR = piece('],"status":{"code":2,"message":');
const CLOSE_STATUS = piece("}}");
const CLOSE = piece("]}");
const COMMA = piece(",");

/** Names of spans that are remembered. */
const NAMES_MAX = 256;
/** Ten millions: so that both halves of a time since 1970 in ms are small integers. */
const SPLIT = 1e7;

/** A request that is whole. */
export interface TraceBatch {
  /** JSON text. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly spans: number;
}

/**
 * Writes requests. Spans are written when they are put and not kept: what lives until the export is bytes outside of
 * V8's heap, where objects would have been copied twice by the collector first.
 */
export class TraceWriter {
  readonly #json = new JsonBytes();
  readonly #names = new Map<string, Uint8Array>();
  readonly #head: Uint8Array;
  readonly #tail = piece("]}]}]}");
  #spans = 0;

  constructor(resource: Resource) {
    this.#head = piece(
      `{"resourceSpans":[{"resource":{"attributes":[${resource.attributes}]},` +
        `"scopeSpans":[{"scope":${scopeJson(resource)},"spans":[`,
    );
  }

  /** Spans of the request that is being written. */
  get spans(): number {
    return this.#spans;
  }

  /** Adds a span to the request. */
  put(span: Span): void {
    if (this.#spans++ > 0) this.#json.put(COMMA);
    else {
      followWallClock();
      this.#json.put(this.#head);
    }
    this.#putSpan(span);
  }

  /** The request so far; the next begins. */
  take(): TraceBatch {
    this.#json.put(this.#tail);
    const batch = { body: this.#json.take(), spans: this.#spans };
    this.#spans = 0;
    return batch;
  }

  #putSpan(span: Span): void {
    const json = this.#json;
    const { parentId, tracestate, failure } = span;
    json.put(TRACE_ID);
    json.put(span.traceId);
    json.put(SPAN_ID);
    json.put(span.spanId);
    if (parentId !== undefined) {
      json.put(PARENT_ID);
      json.put(parentId);
    }
    if (tracestate !== undefined) json.put(`","traceState":${quoted(tracestate).slice(0, -1)}`);
    json.put(this.#nameOf(span));
    this.#putTime(span.startMs);
    json.put(END);
    this.#putTime(span.endMs);
    json.put(ATTRIBUTES);
    for (const text of span.attributes) json.put(text);
    if (failure === undefined) return json.put(CLOSE);
    json.put(STATUS_ERROR);
    json.put(quoted(failure));
    json.put(CLOSE_STATUS);
  }

  /** From the name to the start: of names there are few, since methods are known. */
  #nameOf({ name, kind }: Span): Uint8Array {
    let text = this.#names.get(name);
    if (text !== undefined) return text;
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    text = piece(`","flags":1,"name":${quoted(name)},"kind":${kind},"startTimeUnixNano":"`);
    this.#names.set(name, text);
    return text;
  }

  /** Nanoseconds since 1970. */
  #putTime(timeMs: number): void {
    const ms = wallClock(timeMs);
    const whole = Math.floor(ms);
    const high = Math.floor(whole / SPLIT);
    this.#json.putDigits(high, 6);
    this.#json.putDigits(whole - high * SPLIT, 7);
    this.#json.putDigits((ms - whole) * 1e6, 6);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed());
}
