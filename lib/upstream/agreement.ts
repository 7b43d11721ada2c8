/**
 * When two answers say the same: as canonical JSON, whatever the order of keys and the spelling of numbers,
 * without ids and without `_meta`, in which servers tell of themselves.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Message } from "../core/message.ts";

/** A number of more digits than this is compared as it is written: parsing would make different ones equal. */
const EXACT_DIGITS = 15;

/** The same for answers that say the same, and for no others. SHA-256, hexadecimal. */
export function agreementKey(request: Message, answer: Message): string {
  const { result, error } = JSON.parse(decoder.decode(answer.bytes), exactly);
  const content = error === undefined ? contentOf(request, result) : error;
  const text = canonical([error === undefined ? "result" : "error", content]);
  return createHash("sha256").update(text).digest("hex");
}

const decoder = new TextDecoder();

/** Of a handshake only what the client's next messages depend on: names and versions of servers may differ. */
function contentOf({ method }: Message, result: Record<string, unknown>): unknown {
  if (method !== "initialize") return result;
  return { protocolVersion: result.protocolVersion, capabilities: result.capabilities };
}

/** `JSON.parse` tells revivers how a number was written (ECMAScript 2026); the types do not know it yet. */
function exactly(this: unknown, _key: string, value: unknown, context?: { source?: string }) {
  const source = typeof value === "number" ? context?.source : undefined;
  if (source === undefined || source.replace(/\D/g, "").length <= EXACT_DIGITS) return value;
  return { number: source };
}

function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).filter(([key]) => key !== "_meta")
    .sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
