/**
 * Sending a request that has to prove who asks, again with something better when it was refused for that: a
 * server that answers 401, or 403 for want of scope, has not acted upon it.
 *
 * Source: RFC 6750, 3; MCP specification 2026-07-28, basic/authorization.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { AuthorizationRefusal, Authorizer, ProofHeaders } from "../../lib/core/connection.ts";
import { discard } from "./answer.ts";
import type { Flight } from "./flight.ts";

/** Times one request is sent: without a token, with one, with a renewed one, with more scopes. */
export const ATTEMPTS_MAX = 4;

/** The refusal that an answer is; `undefined` when it is something else. */
export function refusalIn(
  { statusCode, headers }: IncomingMessage,
  proof: ProofHeaders,
  attempt: number,
): AuthorizationRefusal | undefined {
  const challenge = headers["www-authenticate"];
  const isScope = statusCode === 403 && /\binsufficient_scope\b/.test(challenge ?? "");
  if (statusCode !== 401 && !isScope) return undefined;
  return { status: statusCode, challenge, proof, attempt };
}

/**
 * Sends a request until it is not refused for what it proves.
 *
 * @param send sends it once, with these headers besides its own
 * @throws {GatewayError} there is nothing better to prove it with
 */
export async function sendProved(
  authorizer: Authorizer,
  flight: Flight,
  send: (proof: ProofHeaders) => Promise<IncomingMessage>,
): Promise<IncomingMessage> {
  const ready = authorizer.proof();
  let proof = ready instanceof Promise ? await flight.during(ready) : ready;
  for (let attempt = 1;; attempt++) {
    const answer = await send(proof);
    const refusal = refusalIn(answer, proof, attempt);
    if (refusal === undefined || attempt === ATTEMPTS_MAX) return answer;
    discard(answer);
    proof = await flight.during(authorizer.renewed(refusal));
  }
}
