/**
 * Changing an answer to `tools/list` without touching what stays in it.
 *
 * @module
 */
import { beginScan, endScan, scanElements } from "./json_scanner.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { Message } from "./message.ts";
import { RawObject } from "./raw_object.ts";

const COMMA = 0x2c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;

/**
 * The answer without some of its tools, named by their places. Every other value keeps its bytes.
 *
 * @throws {MalformedJson | TooDeep} when `result.tools` is no array, or the answer nests too deep
 */
export function withoutTools(answer: Message, places: ReadonlySet<number>): Message {
  const whole = new RawObject(answer.bytes), result = whole.object("result");
  const kept = elementsOf(result.get("tools")!).filter((_, place) => !places.has(place));
  result.set("tools", arrayOf(kept));
  const edited = Message.from(whole.set("result", result.bytes()).bytes());
  return answer.context === undefined ? edited : edited.withContext(answer.context);
}

function elementsOf(array: Uint8Array): Uint8Array[] {
  const spans: number[] = [];
  beginScan(array, JSON_DEPTH_MAX);
  try {
    scanElements(0, Infinity, spans);
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
