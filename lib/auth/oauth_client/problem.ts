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
