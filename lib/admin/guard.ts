/**
 * Who is answered by the admin routes.
 *
 * With tokens: whoever shows one. Without: only this machine, and nobody behind a proxy. Pages of other sites
 * are never answered, whatever they show; what changes something needs a header that such a page cannot send.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";

/** Where a request to the admin routes comes from. */
export interface AdminPeer {
  /** IP address of the client, as far as trusted proxies tell it. */
  readonly address: string;
  /** Whether it is this machine itself, and not by way of a proxy. */
  readonly isLocal: boolean;
}

/** What the routes get with each request. */
export interface AdminBindings {
  readonly peer?: AdminPeer;
}

/** Types of the routes. */
export interface AdminEnv {
  Bindings: AdminBindings;
}

/** What a guard goes by. */
export interface AdminAccess {
  /** Whether there is any token. */
  hasTokens(): boolean;
  /** Whether a text is a token of an operator; takes the same time for every wrong one. */
  isToken(text: string): boolean;
  /** Whether a client is refused for a time, because of what it has done. */
  isRefused(address: string): boolean;
  /** A token was wrong. */
  failed(address: string): void;
}

/** Sent by whoever changes something without a token. */
export const INTENT_HEADER = "x-sluice-admin";

const BEARER = /^bearer ([\x21-\x7e]{1,4096})$/i;
const FROM_ELSEWHERE = new Set(["cross-site", "same-site"]);

/** Lets nobody through but those who may. */
export function adminGuard(access: AdminAccess): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const refusal = refusalOf(c, access);
    if (refusal !== undefined) return refusal;
    await next();
  };
}

function refusalOf(c: Context<AdminEnv>, access: AdminAccess): Response | undefined {
  if (c.req.header("origin") !== undefined || FROM_ELSEWHERE.has(c.req.header("sec-fetch-site")!)) {
    return c.json({ error: "pages of other sites are not answered" }, 403);
  }
  const { peer } = c.env ?? {};
  const shown = shownToken(c);
  if (access.hasTokens()) {
    const address = peer?.address ?? "";
    if (access.isRefused(address)) return c.json({ error: "refused for a time" }, 403);
    if (shown === undefined || !access.isToken(shown)) {
      if (shown !== undefined) access.failed(address);
      const challenge = { "www-authenticate": 'Bearer realm="sluice admin"' };
      return c.json({ error: "a token of an operator is needed" }, 401, challenge);
    }
  } else if (peer?.isLocal !== true) {
    const error = "without sluice.admin.tokens only this machine is answered, and not by a proxy";
    return c.json({ error }, 403);
  }
  const changes = c.req.method !== "GET" && c.req.method !== "HEAD";
  if (changes && shown === undefined && c.req.header(INTENT_HEADER) === undefined) {
    return c.json({ error: `changes need a token or the header ${INTENT_HEADER}` }, 403);
  }
}

function shownToken(c: Context<AdminEnv>): string | undefined {
  return BEARER.exec(c.req.header("authorization") ?? "")?.[1] ?? c.req.header("x-api-key");
}
