/**
 * Spans of calls as clients see them: from when the gateway has a request until it has the answer.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { Call, Handler, Policy } from "../../core/handler.ts";
import type { Message } from "../../core/message.ts";
import { RetriedCall } from "../../core/retried_call.ts";
import { isSampled, type TraceContext } from "../../core/trace_context.ts";
import {
  idAttribute,
  requestAttributes,
  sessionAttribute,
  spanName,
  transportAttribute,
} from "./call_attributes.ts";
import { ending, type Outcome } from "./outcome.ts";
import type { Sampler } from "./sampler.ts";
import { SpanKind, type TakeSpan } from "./span.ts";
import { inTrace } from "./trace_meta.ts";
import { companionsOfMeta, traceOfHeaders, traceOfMeta } from "./traceparent.ts";

/** The outermost layer of a gateway that traces. */
export function serverSpans(sampler: Sampler, take: TakeSpan): Policy {
  return (next) => (call) => {
    const { message } = call;
    const inMeta = traceOfMeta(message);
    const parent = inMeta ?? traceOfHeaders(call.request);
    const span = message.kind === "request" ? sampler.spanFor(parent) : undefined;
    if (span !== undefined) return traced(next, call, span, parent, take);
    if (parent === undefined) return next(call);
    if (inMeta === undefined || (message.kind === "request" && isSampled(parent))) {
      // Who sits behind must see what the header says, and that nothing here is recorded.
      const flags = message.kind === "request" ? parent.flags & ~1 : parent.flags;
      return next(new RetriedCall(call, inTrace(message, { ...parent, flags })));
    }
    return next(call);
  };
}

function traced(
  next: Handler,
  call: Call,
  span: TraceContext,
  parent: TraceContext | undefined,
  take: TakeSpan,
): Promise<Message | undefined> {
  const { message, request, session } = call;
  const startMs = monotonicMs();
  const end = ({ attributes, failure }: Outcome) => {
    take({
      name: spanName("mcp.server", message),
      kind: SpanKind.server,
      traceId: span.traceId,
      spanId: span.spanId,
      parentId: parent?.spanId,
      tracestate: span.tracestate ?? stateOf(message, parent),
      startMs,
      endMs: monotonicMs(),
      attributes: [
        ...requestAttributes(message),
        transportAttribute(request.transport),
        idAttribute(message),
        sessionAttribute(session),
        attributes,
      ],
      failure,
    });
  };
  return ending(() => next(new RetriedCall(call, inTrace(message, span))), end);
}

function stateOf(message: Message, parent: TraceContext | undefined): string | undefined {
  return parent === undefined ? undefined : companionsOfMeta(message).tracestate;
}
