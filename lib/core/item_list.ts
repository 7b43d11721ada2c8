/**
 * The items of a list's answer (`tools/list` and its like), and the same answer with fewer of them.
 *
 * @module
 */
import { beginScan, endScan, MalformedJson, scanElements, skipSpace } from "./json_scanner.ts";
import { Message } from "./message.ts";
import { RawObject } from "./raw_object.ts";

const COMMA = 0x2c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;

/** The key of the result that holds the items of each list, and the key of an item by which it is asked for. */
export const ITEM_LISTS: Readonly<
  Record<string, { readonly items: string; readonly key: string }>
> = {
  "tools/list": { items: "tools", key: "name" },
  "prompts/list": { items: "prompts", key: "name" },
  "resources/list": { items: "resources", key: "uri" },
  "resources/templates/list": { items: "resourceTemplates", key: "uriTemplate" },
};

/**
 * The items of an answer as raw JSON text, views of its bytes; none where it has no such list.
 *
 * @param key of the result that holds them
 */
export function itemsOfAnswer(answer: Message, key: string): Uint8Array[] {
  const list = new RawObject(answer.bytes).object("result").get(key);
  return list === undefined ? [] : elementsOf(list);
}

/** The answer with these items in its list; every other value keeps its bytes. */
export function withItems(answer: Message, key: string, items: readonly Uint8Array[]): Message {
  const whole = new RawObject(answer.bytes), result = whole.object("result");
  result.set(key, arrayOf(items));
  const edited = Message.from(whole.set("result", result.bytes()).bytes());
  return answer.context === undefined ? edited : edited.withContext(answer.context);
}

function elementsOf(array: Uint8Array): Uint8Array[] {
  const spans: number[] = [];
  beginScan(array, Infinity); // the depth was checked when the message came
  try {
    const pos = skipSpace(0);
    if (array[pos] !== OPEN_BRACKET) throw new MalformedJson("not an array");
    scanElements(pos, Infinity, spans);
  } finally {
    endScan();
  }
  const elements: Uint8Array[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    elements.push(array.subarray(spans[i], spans[i + 1]));
  }
  return elements;
}

function arrayOf(elements: readonly Uint8Array[]): Uint8Array {
  let length = 1 + Math.max(1, elements.length);
  for (const element of elements) length += element.length;
  const bytes = new Uint8Array(length);
  bytes[0] = OPEN_BRACKET;
  let at = 1;
  for (const [place, element] of elements.entries()) {
    if (place > 0) bytes[at++] = COMMA;
    bytes.set(element, at);
    at += element.length;
  }
  bytes[at] = CLOSE_BRACKET;
  return bytes;
}
