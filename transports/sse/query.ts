/**
 * What stands in the query of a request to HTTP+SSE.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";

const CLIENT_ID = /^[\x21-\x7e]{1,128}$/;

/**
 * The query of a request.
 *
 * @throws {GatewayError} InvalidRequest when something stands in it that must not
 */
export function queryOf(req: IncomingMessage): URLSearchParams {
  const query = new URLSearchParams(req.url!.split("?", 2)[1] ?? "");
  if (query.has("token")) {
    throw invalid("a token in the query ends up in logs; send it in a header");
  }
  const clientId = query.get("client_id");
  if (clientId !== null && !CLIENT_ID.test(clientId)) {
    throw invalid("client_id is not 1 to 128 visible ASCII characters");
  }
  return query;
}

/** A request that is refused for what it says. */
export function invalid(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot accept request: ${why}`);
}
