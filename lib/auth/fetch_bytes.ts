/**
 * Asking an authorization server: bounded in time and size, at the address that the configuration names and
 * nowhere else.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";

/** What is asked besides the address. */
export interface Question {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Largest answer taken, after decoding, bytes. */
  readonly bytesMax: number;
  /** Ends the question together with its asker. */
  readonly signal?: AbortSignal;
}

/** Asks in this way; tests answer themselves. */
export type FetchBytes = (url: URL, question: Question) => Promise<Uint8Array>;

const TIMEOUT_MS = 5_000;

/**
 * The body of the answer. Redirects are not followed.
 *
 * @throws {SluiceError} no answer in time, another status than 200, or an answer that is too large
 */
export async function fetchBytes(
  url: URL,
  { method = "GET", headers, body, bytesMax, signal }: Question,
): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, {
    method,
    headers,
    body,
    redirect: "manual",
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
  }).catch(() => { // the reason can hold the address with its query
    throw failed(url, timeout.aborted ? "it has not answered in time" : "it cannot be reached");
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw failed(url, `it answered ${response.status}`);
  }
  return await bounded(response, url, bytesMax);
}

async function bounded(response: Response, url: URL, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > bytesMax) throw failed(url, `its answer has more than ${bytesMax} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof SluiceError ? error : failed(url, "its answer broke off");
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function failed(url: URL, why: string): SluiceError {
  return new SluiceError(`Cannot ask ${url.origin}${url.pathname}: ${why}`);
}
