/**
 * Sends a call again that was lost with its outcome unknown, where that cannot do harm. What certainly was
 * not sent is the upstream's own business, unless there is another endpoint to go to.
 *
 * @module
 */
import { type GatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { CallSafety } from "./call_safety.ts";

/**
 * Waits before the second and the third try, ms. A server over HTTP that is killed breaks off the calls of
 * all its sockets: the second try may go over one that is not known to be broken yet.
 */
const PAUSES_MS = [0, 50];

/** How lost calls are treated. */
export interface RetryOptions {
  readonly safety: CallSafety;
  /** Whether the server has other endpoints: while they are changed, even a second try may not be sent. */
  readonly hasOthers?: boolean;
  /** Told of every call that is sent once more. */
  readonly onRetry?: (method: string) => void;
}

/** A layer that sends safe calls again that were lost, twice at most. */
export function retrySafe({ safety, hasOthers = false, onRetry }: RetryOptions): Policy {
  const outcomes = hasOthers ? ["unknown", "not_sent"] : ["unknown"];
  return (next: Handler): Handler => (call) => {
    const { message } = call;
    if (message.kind !== "request") return next(call);
    return answered(next, call, outcomes, () => {
      const isWorthIt = safety.isSafe(message) && !call.signal.aborted;
      if (isWorthIt) onRetry?.(message.method!);
      return isWorthIt;
    });
  };
}

async function answered(
  next: Handler,
  call: Call,
  outcomes: readonly string[],
  mayRetry: () => boolean,
): Promise<Message | undefined> {
  for (const pauseMs of PAUSES_MS) {
    try {
      const answer = await next(call);
      if (answer === undefined || !isLostAnswer(answer, outcomes) || !mayRetry()) return answer;
    } catch (error) {
      if (!isLost(error as GatewayError, outcomes) || !mayRetry()) throw error;
    }
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return await next(call);
}

/** Transports over HTTP tell the loss of one request by an answer to it. */
function isLostAnswer(answer: Message, outcomes: readonly string[]): boolean {
  return answer.isError && isLost(answer.json().error, outcomes);
}

/** Whether the connection broke, with one of these outcomes. */
function isLost(
  { code, data }: { code?: unknown; data?: unknown },
  outcomes: readonly string[],
): boolean {
  const outcome = (data as { outcome?: unknown } | undefined)?.outcome;
  return code === WIRE_FORMS.UpstreamUnavailable.code && outcomes.includes(String(outcome));
}
