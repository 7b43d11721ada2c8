/**
 * Several members may ask one client at once, each counting from 1: their questions are told apart by the
 * member's place, written before the id.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A raw id of a member as raw id of the pool. */
export function withAsker(member: number, raw: Uint8Array): Uint8Array {
  return encoder.encode(JSON.stringify(`${member}:${decoder.decode(raw)}`));
}

/** The member and its own raw id; `undefined` when the id is none of the pool's. */
export function withoutAsker(raw: Uint8Array): { member: number; raw: Uint8Array } | undefined {
  const text: unknown = JSON.parse(decoder.decode(raw));
  const parts = typeof text === "string" ? /^(\d+):(.*)$/s.exec(text) : null;
  return parts === null ? undefined : { member: Number(parts[1]), raw: encoder.encode(parts[2]) };
}
