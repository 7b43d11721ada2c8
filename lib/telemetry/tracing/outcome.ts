/**
 * How calls end, as spans tell it.
 *
 * @module
 */
import { GatewayError, reasonOf } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import { redactText } from "../redact.ts";
import { cut, NO_ATTRIBUTE } from "./call_attributes.ts";
import { type SpanAttribute, varying, written } from "./span_attributes.ts";

const TEXT_CHARS_MAX = 256;

const errorType = varying("error.type");

/** What a span says in the end. */
export interface Outcome {
  readonly attributes: SpanAttribute;
  readonly failure: string | undefined;
}

const DONE: Outcome = { attributes: NO_ATTRIBUTE, failure: undefined };
const TOOL_ERROR: Outcome = {
  attributes: written([["error.type", "tool_error"]]),
  failure: "the tool tells of an error",
};

/**
 * Runs a call; tells how it ended before anybody else hears of it. What is returned is the call's own promise: one
 * turn later, answers would miss the write that the others of their batch leave with, and writes are what costs most.
 */
export function ending(
  run: () => Promise<Message | undefined>,
  end: (outcome: Outcome) => void,
): Promise<Message | undefined> {
  const tell = (outcomeOf: () => Outcome) => {
    try {
      end(outcomeOf());
    } catch {
      // a span is lost; it must not fail the call that it tells of
    }
  };
  let answer: Promise<Message | undefined>;
  try {
    answer = run();
  } catch (error) {
    tell(() => errorOutcome(error));
    throw error;
  }
  answer.then(
    (message) => tell(() => answerOutcome(message)),
    (error) => tell(() => errorOutcome(error)),
  );
  return answer;
}

/** Of a call that was answered. */
function answerOutcome(answer: Message | undefined): Outcome {
  if (answer === undefined) return DONE;
  if (answer.isToolError) return TOOL_ERROR;
  if (!answer.isError) return DONE;
  const { code, message } = answer.json().error ?? {};
  return {
    attributes: written([
      ["error.type", String(code)],
      ["rpc.response.status_code", String(code)],
    ]),
    failure: redactText(cut(String(message), TEXT_CHARS_MAX)),
  };
}

/** Of a call that was refused, or lost. */
function errorOutcome(error: unknown): Outcome {
  const type = error instanceof GatewayError ? error.failure : "defect";
  return {
    attributes: errorType(type),
    failure: redactText(cut(reasonOf(error), TEXT_CHARS_MAX)),
  };
}
