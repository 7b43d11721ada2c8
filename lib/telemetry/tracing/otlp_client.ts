/**
 * Sends what is told to a collector: OTLP over HTTP, as JSON.
 *
 * Source: OTLP specification 1.x, OTLP/HTTP: responses, failures, partial success.
 *
 * @module
 */

import { constants, gzipSync } from "node:zlib";
import { backgroundTimer } from "../background_timer.ts";

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
const GZIP = { level: constants.Z_BEST_SPEED };
const ANSWER_BYTES_MAX = 64 * 1024;
const RETRY_AFTER_MS_MAX = 60_000;

/** Sends one request. Never rejects. */
export async function sendOtlp(
  target: OtlpTarget,
  body: Uint8Array,
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
      headers: { ...headers, "content-type": "application/json", "content-encoding": "gzip" },
      body: new Uint8Array(gzipSync(body, GZIP)), // 80 bytes a span instead of 700: half the CPU
      redirect: "manual", // the headers may hold a key that is for nobody else
      signal: given.signal,
    });
    const text = await limitedText(response);
    const { status } = response;
    if (response.ok) return { outcome: "taken", refusedItems: refusedItems(text) };
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
async function limitedText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "", bytes = 0;
  for await (const chunk of body) { // leaving the loop cancels the rest
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) break;
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** Items of the request that were not taken, as the answer says. */
function refusedItems(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text);
    const refused = Number(
      partialSuccess?.rejectedSpans ?? partialSuccess?.rejectedDataPoints ?? 0,
    );
    return refused > 0 ? refused : 0;
  } catch {
    return 0; // an empty answer, or one in protobuf
  }
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return seconds >= 0 ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : undefined;
}
