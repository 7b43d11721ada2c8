/**
 * What is known of one step of a call.
 *
 * Source: OpenTelemetry, semantic conventions for MCP (names of attributes).
 *
 * @module
 */

import type { SpanAttribute } from "./span_attributes.ts";

/** Whose side of a question a span is: values of `SpanKind` in the protocol of OpenTelemetry. */
export const SpanKind = { internal: 1, server: 2, client: 3 } as const;

/** An attribute: its name, and its value. */
export type Attribute = readonly [name: string, value: string | number | boolean];

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
  readonly attributes: readonly SpanAttribute[];
  /** Why it failed, without secrets; `undefined` when it did not. */
  readonly failure: string | undefined;
}

/** Takes spans that have ended. Never throws, never waits. */
export type TakeSpan = (span: Span) => void;
