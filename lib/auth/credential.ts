/**
 * What a request shows to prove who it is from: a header, never the query, which ends up in logs.
 *
 * Source: RFC 6750, 2.1; MCP specification 2026-07-28, basic/authorization, "Access Token Usage".
 *
 * @module
 */
import { hash } from "node:crypto";
import type { RequestInfo } from "../core/connection.ts";

/** A secret in a header of a request. */
export interface Credential {
  /** `key` came as `X-API-Key` and is nothing else; `bearer` may be a token or a key. */
  readonly scheme: "bearer" | "key";
  readonly secret: string;
}

/** What a request shows: nothing, one credential, or something that is none. */
export type Shown = Credential | "nothing" | "malformed" | "several";

/** Longest credential, characters. */
const LENGTH_MAX = 8192;
const BEARER = /^Bearer +([A-Za-z0-9\-._~+\/]+=*)$/i;
const KEY = /^[\x21-\x7e]+$/;

/** Looks for a credential. A scheme other than Bearer is none that counts here. */
export function credentialOf(request: RequestInfo): Shown {
  const authorization = request.header("authorization");
  const key = request.header("x-api-key");
  if (authorization === undefined && key === undefined) return "nothing";
  if (authorization !== undefined && key !== undefined) return "several";
  const text = authorization ?? key!;
  if (text.length > LENGTH_MAX) return "malformed";
  if (key !== undefined) return KEY.test(key) ? { scheme: "key", secret: key } : "malformed";
  const match = BEARER.exec(text);
  return match === null ? "malformed" : { scheme: "bearer", secret: match[1] };
}

/** What stands for a secret wherever one is remembered: its SHA-256, base64 (2 us for a token of 800 bytes). */
export function digestOf(secret: string): string {
  return hash("sha256", secret, "base64");
}
