/**
 * Changing an answer to `tools/list` without touching what stays in it.
 *
 * @module
 */
import { itemsOfAnswer, withItems } from "./item_list.ts";
import type { Message } from "./message.ts";

/**
 * The answer without some of its tools, named by their places. Every other value keeps its bytes.
 *
 * @throws {MalformedJson} when `result.tools` is no array
 */
export function withoutTools(answer: Message, places: ReadonlySet<number>): Message {
  const kept = itemsOfAnswer(answer, "tools").filter((_, place) => !places.has(place));
  return withItems(answer, "tools", kept);
}
