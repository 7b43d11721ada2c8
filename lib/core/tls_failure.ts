/**
 * Which kind of failure of TLS stands behind an error.
 *
 * @module
 */
import type { SecurityEventType } from "./security_event.ts";

/** Errors have causes, and these have causes; nobody has more than so many. */
const CAUSES_MAX = 8;
/** What `node:tls` calls a certificate that cannot be trusted, besides everything with CERT in it. */
const UNTRUSTED = /CERT|^UNABLE_TO_VERIFY|^INVALID_CA$|^HOSTNAME_MISMATCH$/;

/** The kind of failure of TLS that an error tells of; `undefined` where it is none. */
export function tlsFailureOf(thrown: unknown): SecurityEventType | undefined {
  let error = thrown;
  for (let depth = 0; depth < CAUSES_MAX && error instanceof Error; depth++) {
    const type = typeOf(error);
    if (type !== undefined) return type;
    error = error.cause;
  }
}

function typeOf(error: Error): SecurityEventType | undefined {
  const code = String((error as { code?: unknown }).code ?? "");
  if (UNTRUSTED.test(code) || /matches no pin$/.test(error.message)) return "cert_invalid";
  if (/_ALERT_/.test(code)) return "handshake_failure";
  if (/^(ERR_SSL|ERR_TLS|EPROTO)/.test(code)) return "tls_error";
  // Deno's own words where node:tls has a code
  if (/invalid peer certificate|certificate not trusted/i.test(error.message)) {
    return "cert_invalid";
  }
  if (/received fatal alert/i.test(error.message)) return "handshake_failure";
}
