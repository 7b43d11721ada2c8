/**
 * What is known of one step of a call.
 *
 * Source: OpenTelemetry, semantic conventions for MCP (names of attributes); opentelemetry-proto, JSON encoding:
 * 64-bit integers are strings.
 *
 * @module
 */

import type { Piece } from "./json_bytes.ts";

/** Whose side of a question a span is: values of `SpanKind` in the protocol of OpenTelemetry. */
export const SpanKind = { internal: 1, server: 2, client: 3 } as const;

/** An attribute: its name, and its value. */
export type Attribute = readonly [name: string, value: string | number | boolean];

/** Attributes as JSON text, joined by commas. */
export type AttributeText = string;

/** One attribute as text. */
export function attribute(name: string, value: Attribute[1]): AttributeText {
  return `{"key":"${name}","value":${valueText(value)}}`;
}

/** Several as text. */
export function attributeTexts(attributes: Iterable<Attribute>): AttributeText {
  return Array.from(attributes, ([name, value]) => attribute(name, value)).join(",");
}

function valueText(value: Attribute[1]): string {
  if (typeof value === "string") return `{"stringValue":${JSON.stringify(value.toWellFormed())}}`;
  if (typeof value === "boolean") return `{"boolValue":${value}}`;
  if (Number.isInteger(value)) return `{"intValue":"${value}"}`;
  return `{"doubleValue":${value}}`;
}

/** A step that has ended. */
export interface Span {
  readonly name: string;
  readonly kind: typeof SpanKind[keyof typeof SpanKind];
  readonly traceId: string;
  readonly spanId: string;
  /** Of the span it is part of; `undefined` for the first of its trace. */
  readonly parentId: string | undefined;
  readonly tracestate: string | undefined;
  /** Monotonic ms. */
  readonly startMs: number;
  /** Monotonic ms. */
  readonly endMs: number;
  /** Pieces of JSON text; each attribute but the first has a comma in front. */
  readonly attributes: readonly Piece[];
  /** Why it failed, without secrets; `undefined` when it did not. */
  readonly failure: string | undefined;
}

/** Takes spans that have ended. Never throws, never waits. */
export type TakeSpan = (span: Span) => void;
