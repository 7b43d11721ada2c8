/**
 * Why somebody is not let in.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";

/** A credential that proves nothing. The message is for the client and holds nothing of the credential. */
export class CredentialRefused extends Error {
  override name = "CredentialRefused";
}

/** What is needed to judge a credential cannot be reached now: the client may come again. */
export function cannotJudge(why: string): GatewayError {
  return new GatewayError("Overloaded", `Cannot authenticate: ${why}`, {
    headers: { "retry-after": "5" },
  });
}
