/**
 * Hides tools of a single server, whose names are not changed.
 *
 * @module
 */
import { rawResult } from "../core/compose.ts";
import { GatewayError } from "../core/errors.ts";
import type { Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { isAllowed, type NameFilter } from "../core/globs.ts";
import { itemsOf, LISTS } from "./lists.ts";
import { joinElements } from "./raw_array.ts";

/** A layer for which tools that a filter does not let through do not exist. */
export function toolFilter(filter: NameFilter): Policy {
  return (next) => async (call) => {
    const { message } = call;
    if (message.method === "tools/call" && !isAllowed(filter, message.name ?? "")) {
      throw new GatewayError("InvalidParams", `Cannot find tool ${message.name}: it is unknown`, {
        status: 200,
      });
    }
    const answer = await next(call);
    const isList = message.method === "tools/list" && answer !== undefined && !answer.isError;
    return isList ? filtered(answer, filter) : answer;
  };
}

function filtered(answer: Message, filter: NameFilter): Message {
  const { items: itemsKey, key } = LISTS["tools/list"];
  const value = new RawObject(answer.bytes).object("result");
  const items = itemsOf(value.get(itemsKey), key).filter((item) => isAllowed(filter, item.key));
  value.set(itemsKey, joinElements(items.map(({ raw }) => raw)));
  return rawResult(answer.id!, value.bytes());
}
