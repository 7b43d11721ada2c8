/**
 * What is remembered of one client.
 *
 * @module
 */
import { identityOf } from "../core/account.ts";
import { ipOf } from "../core/client_address.ts";
import type { Call } from "../core/handler.ts";
import type { Recent } from "../telemetry/watch/recent.ts";

/** One call of a client whose calls are traced. */
export interface TracedCall {
  /** Unix time of the answer, ms. */
  readonly atMs: number;
  readonly method: string;
  /** Tool, prompt or nothing; never arguments. */
  readonly name?: string;
  readonly durationMs: number;
  readonly outcome: string;
}

/** See the module. */
export interface ClientRecord {
  /** Stands for it wherever it is shown: the beginning of a digest. */
  readonly hash: string;
  /** What it calls itself in `X-Client-ID`. */
  readonly clientId?: string;
  /** What it says it is, at `initialize`. */
  software?: string;
  readonly transport: string;
  readonly address: string;
  readonly principal?: string;
  /** Unix time of the first answer, ms. */
  readonly sinceMs: number;
  calls: number;
  errors: number;
  /** Unix time of the latest answer to a client without a session, ms; a session knows that itself. */
  lastMs: number;
  lastMethod: string;
  /** While it is traced. */
  trace?: { readonly calls: Recent<TracedCall>; readonly untilMs: number };
}

const TEXT_CHARS_MAX = 64;

/** A record of whoever has made a call. */
export function recordOf(call: Call, hash: string, nowMs: number): ClientRecord {
  const { request } = call;
  const principal = identityOf(call)?.principal;
  const clientId = shownText(request.header("x-client-id"));
  return {
    hash,
    transport: request.transport,
    address: request.address,
    ...principal !== undefined && { principal },
    ...clientId !== undefined && { clientId },
    sinceMs: nowMs,
    calls: 0,
    errors: 0,
    lastMs: nowMs,
    lastMethod: "",
  };
}

/** What a client that has just been initialized says it is. */
export function softwareOf(call: Call): string | undefined {
  const info = call.message.json().params?.clientInfo;
  const words = [info?.name, info?.version].filter((word) => typeof word === "string");
  return shownText(words.join(" "));
}

/** On whose behalf it comes: its principal, else its address without the port. */
export function originOf({ principal, address }: Pick<ClientRecord, "principal" | "address">) {
  return principal ?? ipOf(address) ?? address;
}

/** Foreign text as operators may see it: short, on one line, and without what moves a terminal. */
export function shownText(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  // deno-lint-ignore no-control-regex -- these are what must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "?")
    .slice(0, TEXT_CHARS_MAX);
}
