/**
 * Sends what is told to a collector: OTLP over HTTP, as Protocol Buffers or JSON.
 *
 * Source: OTLP specification 1.x, OTLP/HTTP: responses, failures, partial success.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { backgroundTimer } from "../background_timer.ts";
import { bytesTag, varintTag } from "./protobuf.ts";

/** Where to. */
export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** An answer that takes longer is none, ms. */
  readonly timeoutMs: number;
}

/** What became of a request. */
export type Sent =
  | { readonly outcome: "taken"; readonly refusedItems: number }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "later"; readonly reason: string; readonly afterMs: number | undefined };

/** Statuses after which the same request may be sent again. */
const LATER = new Set([429, 502, 503, 504]);
const OPEN_BRACE = 0x7b;
const CONTINUES = 0x80;
const ANSWER_BYTES_MAX = 64 * 1024;
const RETRY_AFTER_MS_MAX = 60_000;

/** The headers of a body, and what is sent of it. */
type Packed = readonly [headers: Readonly<Record<string, string>>, body: Uint8Array<ArrayBuffer>];

/** Protocol Buffers, as they are: to zip them takes as long as to write them. */
export function protobufBody(body: Uint8Array<ArrayBuffer>): Packed {
  return [{ "content-type": "application/x-protobuf" }, body];
}

/** JSON, zipped. */
export function jsonBody(text: string): Packed {
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  return [headers, new Uint8Array(gzipSync(text))];
}

/** Sends one request. Never rejects. */
export async function sendOtlp(
  target: OtlpTarget,
  [contentHeaders, body]: Packed,
  signal: AbortSignal,
): Promise<Sent> {
  const { url, headers, timeoutMs } = target;
  const given = new AbortController(); // half of what AbortSignal.any and a timeout cost a request
  const giveUp = () => given.abort(new Error("it does not answer"));
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp);
  using _timeout = backgroundTimer(giveUp, timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, ...contentHeaders },
      body,
      redirect: "manual", // the headers may hold a key that is for nobody else
      signal: given.signal,
    });
    const answer = await limitedBody(response);
    const { status } = response;
    if (response.ok) return { outcome: "taken", refusedItems: refusedItems(answer) };
    const reason = `it answers with status ${status}`;
    if (!LATER.has(status)) return { outcome: "refused", reason };
    return { outcome: "later", reason, afterMs: retryAfterMs(response) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { outcome: "later", reason, afterMs: undefined };
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** The beginning of the body; nothing more of it is taken. */
async function limitedBody({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) { // leaving the loop cancels the rest
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Items of the request that were not taken, as the answer says: in JSON, or as Protocol Buffers. */
function refusedItems(answer: Uint8Array): number {
  if (answer[0] !== OPEN_BRACE) return refusedInProtobuf(answer);
  try {
    const { partialSuccess } = JSON.parse(new TextDecoder().decode(answer));
    const refused = Number(
      partialSuccess?.rejectedSpans ?? partialSuccess?.rejectedDataPoints ?? 0,
    );
    return refused > 0 ? refused : 0;
  } catch {
    return 0;
  }
}

/** `partial_success` (1), and in it first the number of those that were refused (1). */
function refusedInProtobuf(answer: Uint8Array): number {
  if (answer[0] !== bytesTag(1)) return 0;
  const inside = answer.subarray(1).findIndex(isLast) + 2; // behind its length
  if (answer[inside] !== varintTag(1)) return 0;
  const groups = answer.subarray(inside + 1);
  return groups.subarray(0, groups.findIndex(isLast) + 1)
    .reduceRight((count, group) => count * CONTINUES + group % CONTINUES, 0);
}

/** Whether a byte is the last of a number in groups of 7 bits. */
function isLast(byte: number): boolean {
  return byte < CONTINUES;
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return seconds >= 0 ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : undefined;
}
