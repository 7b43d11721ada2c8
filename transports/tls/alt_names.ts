/**
 * Subject alternative names from a certificate's DER (RFC 5280, section 4.2.1.6).
 *
 * Not from `node:tls`: it joins them by commas and, in Deno 2.9.6, quotes nothing, so that a name with a
 * comma in it becomes two (CVE-2021-44532 in Node).
 *
 * @module
 */

const SEQUENCE = 0x30, OBJECT_ID = 0x06, OCTETS = 0x04, EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11]; // 2.5.29.17
const CONTEXT_CLASS = 0x80;
const KINDS: Readonly<Record<number, string>> = { 1: "email", 2: "DNS", 6: "URI" };
const IP_ADDRESS = 7;

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * Names as `DNS:name`, `email:address`, `URI:uri` and `IP:address`; kinds that are none of these are left
 * out.
 *
 * @param certificate DER that a TLS library has already taken as a certificate
 */
export function altNamesOf(certificate: Uint8Array): string[] {
  const [tbs] = elements(first(certificate).content);
  const extensions = elements(tbs.content).find(({ tag }) => tag === EXTENSIONS);
  if (extensions === undefined) return [];
  for (const { content } of elements(first(extensions.content).content)) {
    const parts = elements(content);
    if (parts[0].tag !== OBJECT_ID || !isSame(parts[0].content, SUBJECT_ALT_NAME)) continue;
    const value = parts.find(({ tag }) => tag === OCTETS)!;
    return elements(first(value.content).content).flatMap(nameOf);
  }
  return [];
}

function nameOf({ tag, content }: Element): string[] {
  const kind = tag ^ CONTEXT_CLASS;
  if (kind === IP_ADDRESS) return [`IP:${addressOf(content)}`];
  const name = KINDS[kind];
  return name === undefined ? [] : [`${name}:${String.fromCharCode(...content)}`];
}

function addressOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    groups.push((bytes[i] << 8 | bytes[i + 1]).toString(16));
  }
  return groups.join(":");
}

function first(bytes: Uint8Array): Element {
  const [element] = elements(bytes);
  if (element.tag !== SEQUENCE) throw new RangeError("not a SEQUENCE");
  return element;
}

/** The elements that follow each other in these bytes. */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++];
    let length = bytes[at++];
    if (length >= 0x80) {
      const lengthBytes = length & 0x7f;
      length = 0;
      for (let i = 0; i < lengthBytes; i++) length = length * 256 + bytes[at++];
    }
    if (!(at + length <= bytes.length)) throw new RangeError("element ends behind its parent");
    found.push({ tag, content: bytes.subarray(at, at += length) });
  }
  return found;
}

function isSame(bytes: Uint8Array, expected: readonly number[]): boolean {
  return bytes.length === expected.length && expected.every((byte, i) => bytes[i] === byte);
}
