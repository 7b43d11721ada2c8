/**
 * A JSON array taken apart one level deep.
 *
 * @module
 */
import {
  beginScan,
  endScan,
  MalformedJson,
  scanElements,
  skipSpace,
} from "../core/json_scanner.ts";

const OPEN_BRACKET = 0x5b;

/**
 * The elements of an array as raw JSON text, views of its bytes.
 *
 * @param countMax elements that it may have
 * @throws {MalformedJson} when it is no array, or has more elements
 */
export function rawElements(bytes: Uint8Array, countMax: number): Uint8Array[] {
  const spans: number[] = [];
  beginScan(bytes, Infinity); // the depth was checked when the message came
  try {
    const pos = skipSpace(0);
    if (bytes[pos] !== OPEN_BRACKET) throw new MalformedJson("not an array");
    if (scanElements(pos, countMax, spans) < 0) throw new MalformedJson("too many elements");
  } finally {
    endScan();
  }
  const elements: Uint8Array[] = [];
  for (let i = 0; i < spans.length; i += 2) elements.push(bytes.subarray(spans[i], spans[i + 1]));
  return elements;
}

/** An array of raw elements as JSON text. */
export function joinElements(elements: readonly Uint8Array[]): Uint8Array {
  let length = 2 + Math.max(0, elements.length - 1);
  for (const element of elements) length += element.length;
  const bytes = new Uint8Array(length);
  bytes[0] = OPEN_BRACKET;
  let at = 1;
  elements.forEach((element, index) => {
    if (index > 0) bytes[at++] = COMMA;
    bytes.set(element, at);
    at += element.length;
  });
  bytes[at] = CLOSE_BRACKET;
  return bytes;
}

const COMMA = 0x2c, CLOSE_BRACKET = 0x5d;
