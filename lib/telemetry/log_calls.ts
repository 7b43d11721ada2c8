/**
 * A line for each call, where the level of the module `calls` lets it through: what was asked, how it ended, and what
 * ties it to other lines and to its trace.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import type { Call, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { limited } from "./limited_logger.ts";
import type { LogFields, Logger } from "./logger.ts";
import { traceOfMeta } from "./tracing/traceparent.ts";

const ID_CHARS_MAX = 64;
const NAME_CHARS_MAX = 128;
const SESSION_CHARS = 6;
/** More calls than anybody reads must not fill a disk. */
const LINES_PER_SECOND_MAX = 1_000;

/**
 * What ties a line to a call: `call` is the beginning of the session's id and the request's id, `trace_id` and
 * `span_id` are there where the call is part of a trace.
 */
export function callFields({ message, session }: Call): LogFields {
  const trace = message.context?.trace ?? traceOfMeta(message);
  const id = String(message.idKey ?? "").replace(/^"/, "").slice(0, ID_CHARS_MAX);
  return {
    call: `${session.id.slice(0, SESSION_CHARS)}.${id}`,
    ...trace !== undefined && { trace_id: trace.traceId, span_id: trace.spanId },
  };
}

/** The layer that writes the lines, at `debug`. */
export function callLog(logger: Logger): Policy {
  const log = limited(logger, LINES_PER_SECOND_MAX);
  return (next) => (call) => {
    if (!log.enabled("debug") || call.message.kind !== "request") return next(call);
    const startMs = monotonicMs();
    const tell = (outcome: string, why?: string) => {
      const { method, name, uri } = call.message;
      log.debug("call", {
        ...callFields(call),
        method: method!.slice(0, NAME_CHARS_MAX),
        name: (name ?? uri)?.slice(0, NAME_CHARS_MAX),
        outcome,
        durationMs: Math.round(1000 * (monotonicMs() - startMs)) / 1000,
        reason: why,
      });
    };
    let answer: Promise<Message | undefined>;
    try {
      answer = next(call);
    } catch (error) {
      tell(failureOf(error), reasonOf(error));
      throw error;
    }
    // what is returned is the call's own promise: see tracing/outcome.ts
    answer.then(
      (message) => tell(message?.isError ? "error" : message?.isToolError ? "tool_error" : "ok"),
      (error) => tell(failureOf(error), reasonOf(error)),
    );
    return answer;
  };
}

function failureOf(error: unknown): string {
  return error instanceof GatewayError ? error.failure : "defect";
}
