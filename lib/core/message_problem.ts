/**
 * Why content is no message, as errors for its sender.
 *
 * @module
 */
import { GatewayError } from "./errors.ts";
import { isBalanced, MalformedJson, TooDeep } from "./json_scanner.ts";

/** The error for JSON that is no message. */
export function invalidRequest(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot accept message: ${why}`);
}

/** The error for what the scanner threw; anything else is thrown on. */
export function problemOf(error: unknown, bytes: Uint8Array): GatewayError {
  if (error instanceof TooDeep && isBalanced(bytes)) return invalidRequest(error.message);
  if (error instanceof MalformedJson || error instanceof TooDeep) {
    return new GatewayError("ParseError", `Cannot parse message: ${error.message}`);
  }
  throw error;
}
