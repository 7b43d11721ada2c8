/**
 * What an answer says about being kept.
 *
 * Source: MCP specification, server/utilities/caching, 2026-07-28.
 *
 * @module
 */
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";

/** Caching hints of a result. */
export interface Hints {
  /** How long it is fresh, ms: 0 for what is stale at once, negative or no whole number; `undefined` where nothing is said. */
  readonly ttlMs: number | undefined;
  /** Where the digits stand in the bytes of the answer. */
  readonly ttlStart: number;
  readonly ttlEnd: number;
  readonly isPublic: boolean;
  /** Whether it is a result, and neither a question to the client nor a tool's failure. */
  readonly isComplete: boolean;
}

const decoder = new TextDecoder();

/**
 * Reads the hints of a result.
 *
 * @throws {MalformedJson} when the answer is no JSON object
 */
export function hintsOf(answer: Message): Hints {
  const result = new RawObject(answer.bytes).object("result");
  const raw = result.get("ttlMs");
  const isPublic = result.value("cacheScope") === "public";
  const isComplete = (result.value("resultType") ?? "complete") === "complete" &&
    result.value("isError") !== true;
  if (raw === undefined) {
    return { ttlMs: undefined, ttlStart: -1, ttlEnd: -1, isPublic, isComplete };
  }
  const text = decoder.decode(raw);
  const ttlMs = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  const ttlStart = raw.byteOffset - answer.bytes.byteOffset;
  return { ttlMs, ttlStart, ttlEnd: ttlStart + raw.length, isPublic, isComplete };
}
