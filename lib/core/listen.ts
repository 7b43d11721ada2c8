/**
 * The long-lived request of the era without sessions: its answer ends a stream of notifications, which
 * all name the request by its id.
 *
 * Source: MCP specification, basic/patterns/subscriptions, 2026-07-28.
 *
 * @module
 */
import { rawResult } from "./compose.ts";
import { META_PREFIX } from "./eras.ts";
import { Message } from "./message.ts";
import { RawObject } from "./raw_object.ts";

/** The key in `_meta` that names a listen stream. */
const SUBSCRIPTION_ID = `${META_PREFIX}subscriptionId`;

/** Whether a message opens a stream of notifications. */
export function isListen(message: Message): boolean {
  return message.method === "subscriptions/listen";
}

/** The end of a listen stream in good order, under the raw id of its request. */
export function listenEnded(id: Uint8Array): Message {
  const meta = new RawObject().set(SUBSCRIPTION_ID, id).bytes();
  const value = new RawObject().put("resultType", "complete").set("_meta", meta);
  return rawResult(id, value.bytes());
}

/** The answer to a listen request under another id, which it names a second time. */
export function underSubscription(answer: Message, id: Uint8Array): Message {
  if (answer.isError) return answer.withId(id);
  const whole = new RawObject(answer.bytes);
  const value = whole.object("result");
  const meta = value.object("_meta").set(SUBSCRIPTION_ID, id);
  whole.set("id", id).set("result", value.set("_meta", meta.bytes()).bytes());
  return Message.from(whole.bytes());
}
