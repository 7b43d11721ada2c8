/**
 * Cross-origin requests of browsers: which pages may read answers. Only configured origins; that a page of
 * this machine is not refused (host_check.ts) does not mean that it may read.
 *
 * Source: WHATWG Fetch, CORS protocol.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";

const HEADERS = [
  "Authorization",
  "X-API-Key",
  "Content-Type",
  "X-Client-ID",
  "Mcp-Session-Id",
  "MCP-Protocol-Version",
  "Last-Event-ID",
  "Mcp-Method",
  "Mcp-Name",
].join(", ");
const METHODS = "GET, POST, DELETE";
/** A day: how long a browser may remember the answer, s. */
const MAX_AGE_S = "86400";

/** The answers of one listener to browsers. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins as browsers send them; `*` for any */
  constructor(origins: readonly string[] = []) {
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /**
   * Adds the headers that let the page read the answer.
   *
   * @returns whether the page may read it
   */
  allow(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#origins.size === 0) return false;
    res.setHeader("vary", "Origin");
    const { origin } = req.headers;
    if (origin === undefined) return false;
    if (!this.#origins.has("*") && !this.#origins.has(origin.toLowerCase())) return false;
    res.setHeader("access-control-allow-origin", origin);
    res.setHeader("access-control-expose-headers", "Mcp-Session-Id, WWW-Authenticate");
    return true;
  }

  /** Answers the question that a browser asks before a request; {@link Cors.allow} comes first. */
  preflight(res: ServerResponse, isAllowed: boolean): void {
    const headers = isAllowed
      ? {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": MAX_AGE_S,
      }
      : {};
    res.writeHead(204, headers).end();
  }
}

/** Whether a request is such a question. */
export function isPreflight(req: IncomingMessage): boolean {
  return req.method === "OPTIONS" && req.headers.origin !== undefined &&
    req.headers["access-control-request-method"] !== undefined;
}
