/**
 * Where a message stands in a distributed trace, as it travels.
 *
 * Source: W3C Trace Context (level 2) and W3C Baggage.
 *
 * @module
 */

/** Names a span of somebody, and whether its trace is recorded. */
export interface TraceContext {
  /** 32 hexadecimal digits, lower case. */
  readonly traceId: string;
  /** 16 hexadecimal digits, lower case. */
  readonly spanId: string;
  /** Bit 0: the trace is recorded. Bit 1: the trace id is random. */
  readonly flags: number;
  /** Vendors' own fields, printable ASCII. */
  readonly tracestate?: string;
  /** What the application sends along, printable ASCII. */
  readonly baggage?: string;
}

const SAMPLED = 1;
const KNOWN_FLAGS = 3;

/** Whether the trace is recorded. */
export function isSampled({ flags }: TraceContext): boolean {
  return (flags & SAMPLED) !== 0;
}

/** The value of `traceparent`; always 55 characters of ASCII. */
export function traceparentOf({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${flags & KNOWN_FLAGS}`;
}

/** Adds the context to the headers of an HTTP request. */
export function addTraceHeaders(
  headers: Record<string, string | number>,
  context: TraceContext | undefined,
): void {
  if (context === undefined) return;
  headers.traceparent = traceparentOf(context);
  if (context.tracestate !== undefined) headers.tracestate = context.tracestate;
  if (context.baggage !== undefined) headers.baggage = context.baggage;
}
