/**
 * Spans of attempts at a server, and the trace context that goes out with each request.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { Call, Handler, Policy } from "../../core/handler.ts";
import type { Message } from "../../core/message.ts";
import { RetriedCall } from "../../core/retried_call.ts";
import { isSampled, type TraceContext } from "../../core/trace_context.ts";
import { requestAttributes, spanName } from "./call_attributes.ts";
import { ending, type Outcome } from "./outcome.ts";
import { childOf } from "./sampler.ts";
import { SpanKind, type TakeSpan } from "./span.ts";
import type { SpanAttribute } from "./span_attributes.ts";
import { inTrace, withTraceMeta } from "./trace_meta.ts";
import { companionsOfMeta, traceOfMeta } from "./traceparent.ts";

/** What is asked. */
export interface TracedUpstream {
  /** What spans say of it. */
  readonly attributes: SpanAttribute;
  /** Whether requests carry headers. */
  readonly isHttp: boolean;
}

/** The innermost layer around one server of a gateway that traces: each attempt passes it. */
export function clientSpans(upstream: TracedUpstream, take: TakeSpan): Policy {
  return (next) => (call) => {
    const { message } = call;
    const given = message.context?.trace;
    const inMeta = given === undefined ? traceOfMeta(message) : undefined;
    if (message.kind !== "request") return next(given === undefined ? call : told(call, given));
    const parent = given ?? inMeta;
    if (parent !== undefined && isSampled(parent)) {
      return attempt(next, call, upstream, parent, take);
    }
    if (given !== undefined) return next(told(call, given));
    return next(inMeta !== undefined && upstream.isHttp ? headed(call, inMeta) : call);
  };
}

function attempt(
  next: Handler,
  call: Call,
  upstream: TracedUpstream,
  parent: TraceContext,
  take: TakeSpan,
): Promise<Message | undefined> {
  const { message } = call;
  const startMs = monotonicMs();
  const beside = upstream.isHttp && parent.tracestate === undefined && hasTraceMeta(message)
    ? companionsOfMeta(message)
    : undefined;
  const span = childOf({ ...parent, ...beside }, 1);
  const end = ({ attributes, failure }: Outcome) => {
    take({
      name: spanName("mcp.client", message),
      kind: SpanKind.client,
      traceId: span.traceId,
      spanId: span.spanId,
      parentId: parent.spanId,
      tracestate: span.tracestate,
      startMs,
      endMs: monotonicMs(),
      attributes: [...requestAttributes(message), upstream.attributes, attributes],
      failure,
    });
  };
  return ending(() => next(told(call, span)), end);
}

function hasTraceMeta(message: Message): boolean {
  return traceOfMeta(message) !== undefined;
}

/** The call with the context in its bytes. */
function told(call: Call, trace: TraceContext): Call {
  return new RetriedCall(call, withTraceMeta(call.message, trace));
}

/** The call with the context that is in its bytes in its headers too. */
function headed(call: Call, trace: TraceContext): Call {
  const { message } = call;
  return new RetriedCall(call, inTrace(message, { ...trace, ...companionsOfMeta(message) }));
}
