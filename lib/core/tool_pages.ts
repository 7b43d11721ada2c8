/**
 * Reads the whole list of a server's tools in the name of a client.
 *
 * @module
 */
import { request } from "./compose.ts";
import type { Call, Handler } from "./handler.ts";
import { Message } from "./message.ts";
import { RawObject } from "./raw_object.ts";
import { RetriedCall } from "./retried_call.ts";

/** Pages of a list that are read. */
const PAGES_MAX = 100;

/** Answers to `tools/list`, page by page; ends at the first that is an error. */
export async function* toolPages(next: Handler, call: Call): AsyncGenerator<Message, void> {
  const meta = new RawObject(call.message.bytes).object("params").object("_meta");
  meta.delete("progressToken");
  let cursor: unknown;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await next(new RetriedCall(call, asked(meta, cursor)));
    if (answer === undefined || answer.isError) return;
    yield answer;
    cursor = answer.json().result?.nextCursor;
    if (cursor === undefined) return;
  }
}

function asked(meta: RawObject, cursor: unknown): Message {
  const params = new RawObject();
  if (meta.size > 0) params.set("_meta", meta.bytes());
  if (cursor !== undefined) params.put("cursor", cursor);
  const whole = new RawObject(request(0, "tools/list").bytes);
  return Message.from(whole.set("params", params.bytes()).bytes());
}
