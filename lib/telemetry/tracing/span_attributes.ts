/**
 * Attributes of spans as Protocol Buffers. Those that are the same each time are written once.
 *
 * Source: opentelemetry-proto, common/v1/common.proto (KeyValue, AnyValue), trace/v1/trace.proto (Span) and
 * resource/v1/resource.proto.
 *
 * @module
 */
import { bytesTag, fixed64Tag, ProtoBytes, varintTag } from "./protobuf.ts";
import type { Attribute } from "./span.ts";

const OF_SPAN = bytesTag(9), OF_RESOURCE = bytesTag(1);
const KEY = bytesTag(1), VALUE = bytesTag(2);
const STRING = bytesTag(1), BOOL = varintTag(2), INT = varintTag(3), DOUBLE = fixed64Tag(4);
/** Enough for attributes of 16 KiB. */
const LENGTH_BYTES = 2;
/** Longer values are cut: each character may need three bytes. */
const VALUE_CHARS_MAX = 2048;

/** An attribute of a span, or several: written, or still to be. */
export type SpanAttribute = Uint8Array | VaryingAttribute;

const scratch = new ProtoBytes();

/** Attributes that several spans have. */
export function written(attributes: Iterable<Attribute>): Uint8Array {
  for (const [name, value] of attributes) putAttribute(scratch, OF_SPAN, name, value);
  return scratch.take();
}

/** Attributes of a resource. */
export function resourceAttributes(attributes: Iterable<Attribute>): Uint8Array {
  for (const [name, value] of attributes) putAttribute(scratch, OF_RESOURCE, name, value);
  return scratch.take();
}

/** Makes attributes of one name whose values are different each time. */
export function varying(name: string): (value: string | number) => SpanAttribute {
  scratch.text(KEY, name);
  const key = scratch.take();
  return (value) => new VaryingAttribute(key, value);
}

/** One that is written with its span. */
class VaryingAttribute {
  readonly #key: Uint8Array;
  readonly #value: string | number;

  constructor(key: Uint8Array, value: string | number) {
    this.#key = key;
    this.#value = value;
  }

  writeTo(bytes: ProtoBytes): void {
    putAttribute(bytes, OF_SPAN, this.#key, this.#value);
  }
}

/** @param name or the field of it */
function putAttribute(
  bytes: ProtoBytes,
  tag: number,
  name: string | Uint8Array,
  value: Attribute[1],
): void {
  const attribute = bytes.begin(tag, LENGTH_BYTES);
  if (typeof name === "string") bytes.text(KEY, name.slice(0, VALUE_CHARS_MAX));
  else bytes.put(name);
  const any = bytes.begin(VALUE, LENGTH_BYTES);
  putValue(bytes, value);
  bytes.end(any, LENGTH_BYTES);
  bytes.end(attribute, LENGTH_BYTES);
}

function putValue(bytes: ProtoBytes, value: Attribute[1]): void {
  if (typeof value === "string") return bytes.text(STRING, value.slice(0, VALUE_CHARS_MAX));
  if (typeof value === "boolean") return bytes.varint(BOOL, value ? 1 : 0);
  if (Number.isSafeInteger(value) && value >= 0) return bytes.varint(INT, value);
  const halves = new DataView(new ArrayBuffer(8));
  halves.setFloat64(0, value);
  bytes.fixed64(DOUBLE, halves.getUint32(4), halves.getUint32(0));
}
