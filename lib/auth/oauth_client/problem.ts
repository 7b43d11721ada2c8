/**
 * Why there is no token.
 *
 * @module
 */
import { SluiceError } from "../../core/errors.ts";

/** A reason that can be told to anybody: nothing in it is a secret. */
export class AuthorizationProblem extends SluiceError {
  override name = "AuthorizationProblem";
}

/** The authorization server refused a grant for good: to ask again in the same way is pointless. */
export class GrantRefused extends AuthorizationProblem {
  override name = "GrantRefused";
  /** Its error code (RFC 6749, 5.2). */
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Text of a server fit to be shown: short, and without what could fake a line of the log. */
export function shown(text: unknown): string {
  return String(text).replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}

/** Codes of RFC 6749, 7591, 8707 and OpenID Connect Core. */
const CODES: ReadonlySet<string> = new Set([
  ...["invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "invalid_target"],
  ...["unauthorized_client", "unsupported_grant_type", "unsupported_response_type"],
  ...["access_denied", "server_error", "temporarily_unavailable"],
  ...["invalid_redirect_uri", "invalid_client_metadata", "unapproved_software_statement"],
  ...["interaction_required", "login_required", "consent_required", "account_selection_required"],
]);

/** The code of an error, where it is one: a server may write there, and beside it, what it was sent. */
export function codeShown(code: string): string {
  return CODES.has(code) ? code : "an error that has no name";
}
