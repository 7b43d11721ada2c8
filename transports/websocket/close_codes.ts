/**
 * Status codes of the closing handshake (RFC 6455, 7.4; 1012 and 1013 from the IANA registry).
 *
 * @module
 */
import type { GatewayError } from "../../lib/core/errors.ts";

/** Codes that we send. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;

/** The code that tells a peer why its connection was ended. */
export function closeCodeOf(reason: GatewayError): number {
  switch (reason.failure) {
    case "Overloaded":
      return CloseCode.tryAgainLater;
    case "PayloadTooLarge":
      return CloseCode.tooBig;
    case "PolicyDenied":
    case "RateLimited":
    case "InvalidRequest":
    case "ParseError":
      return CloseCode.policyViolation;
    default:
      return CloseCode.internalError;
  }
}
