/**
 * What the outcome of a call says of the member that had it.
 *
 * @module
 */
import { GatewayError, WIRE_FORMS } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";

/** `lost`: its server cannot be reached any more; `neutral`: nothing, the fault is the client's or the gateway's. */
export type Verdict = "answered" | "failed" | "lost" | "neutral";

/** Codes of errors that the client has brought about. */
const OF_CLIENT = new Set<unknown>([
  WIRE_FORMS.InvalidParams.code,
  WIRE_FORMS.MethodNotFound.code,
  WIRE_FORMS.InvalidRequest.code,
]);

/** What an answer says. An error of a tool is an answer like any other. */
export function verdictOnAnswer(answer: Message | undefined): Verdict {
  if (answer === undefined || !answer.isError) return "answered";
  const code: unknown = answer.json().error?.code;
  if (code === WIRE_FORMS.UpstreamUnavailable.code) return "lost";
  return OF_CLIENT.has(code) ? "neutral" : "failed";
}

/** What a failure says. */
export function verdictOnFailure(error: unknown): Verdict {
  if (!(error instanceof GatewayError)) return "neutral";
  switch (error.failure) {
    case "UpstreamUnavailable":
    case "NoHealthyUpstream":
      return "lost";
    case "UpstreamTimeout":
    case "UpstreamProtocolError":
    case "Overloaded":
      return "failed";
  }
  return "neutral";
}
