/**
 * Reading what a server answers to a POST: one JSON document or an event stream.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import { discard, mediaType, offProtocol, readChunks, readWhole } from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";

/** How an answer is given. */
export type ReplyForm = "json" | "events";

/** A stream should end behind the answer; it is ended after so long, ms. */
const AFTER_ANSWER_MS = 1000;

/**
 * In which form an answer with status 200 comes.
 *
 * @throws {GatewayError} UpstreamProtocolError when in neither
 */
export function formOf(answer: IncomingMessage): ReplyForm {
  if (answer.headers["content-encoding"] !== undefined) throw unwanted(answer, "it is encoded");
  const type = mediaType(answer);
  if (type === "text/event-stream") return "events";
  if (type === "application/json") return "json";
  throw unwanted(answer, `its content type is "${type}"`);
}

/**
 * The message of an answer in JSON.
 *
 * @throws {GatewayError} UpstreamProtocolError when it is too large, or no message
 */
export async function readDocument(
  answer: IncomingMessage,
  flight: Flight,
  idleMs: number,
  bytesMax: number,
): Promise<Message> {
  const message = Message.from(await readWhole(answer, flight, idleMs, bytesMax));
  if (message.kind === "invalid") throw offProtocol(message.problem!.message);
  return message;
}

/** Who reads an event stream. */
export interface EventTaker {
  /** Takes a message. */
  take(message: Message): void;
  /** Whether it has all that it wants: the stream should end. */
  readonly isSettled: boolean;
  /** A promise when the stream has to wait. */
  room(): Promise<void> | undefined;
}

/**
 * Hands the messages of an event stream on, for as long as it lasts; it may be silent for as long as it
 * likes. Returns what ended it.
 *
 * @throws {GatewayError} UpstreamProtocolError when something in it is no message
 */
export async function readEvents(
  answer: IncomingMessage,
  flight: Flight,
  decoder: SseDecoder,
  taker: EventTaker,
): Promise<unknown> {
  try {
    await readChunks(answer, flight, Infinity, (chunk) => {
      for (const { type, data } of decoder.push(chunk)) {
        if (type === "message" && data.length > 0) taker.take(Message.from(data));
      }
      if (taker.isSettled) flight.allow(AFTER_ANSWER_MS);
      return taker.room();
    });
    return new Error("its stream ended without an answer");
  } catch (error) {
    if ((error as GatewayError).failure === "UpstreamProtocolError") throw error;
    return error;
  }
}

/** Gets an answer out of the way that cannot be used; the error says why. */
export function unwanted(answer: IncomingMessage, why: string): GatewayError {
  discard(answer);
  return offProtocol(why);
}
