/**
 * Several servers may ask one client at once, each counting from 1: their questions, and the progress tokens
 * in them, are told apart by the server's number, written before the id.
 *
 * @module
 */
import type { Message } from "./message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A raw id of one server as the raw id under which the client is asked. */
export function withAsker(member: number, raw: Uint8Array): Uint8Array {
  return encoder.encode(JSON.stringify(`${member}:${decoder.decode(raw)}`));
}

/** The server and its own raw id; `undefined` when the id is none made by {@link withAsker}. */
export function withoutAsker(raw: Uint8Array): { member: number; raw: Uint8Array } | undefined {
  const text: unknown = JSON.parse(decoder.decode(raw));
  const parts = typeof text === "string" ? /^(\d{1,9}):(.+)$/s.exec(text) : null;
  return parts === null ? undefined : { member: Number(parts[1]), raw: encoder.encode(parts[2]) };
}

/** Asks under an id, and a progress token, that name the server; the answer comes back under its own. */
export async function askedBy(
  member: number,
  question: Message,
  ask: (question: Message) => Promise<Message>,
): Promise<Message> {
  let sent = question.withId(withAsker(member, question.id!));
  const token = question.progressToken;
  if (token !== undefined) sent = sent.withProgressToken(withAsker(member, token));
  return (await ask(sent)).withId(question.id!);
}
