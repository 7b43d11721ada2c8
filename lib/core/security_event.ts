/**
 * What happened that whoever guards the gateway wants to know.
 *
 * @module
 */

/** Kinds of events: each is a value of the label `type`, so the list is closed. */
export type SecurityEventType =
  | "tls_error"
  | "cert_invalid"
  | "handshake_failure"
  | "protocol_violation"
  | "authentication_failed"
  | "access_denied"
  | "rate_limited"
  | "too_many_connections"
  | "silent_client"
  | "host_refused"
  | "denied_address"
  | "suspicious_client"
  | "threat_found"
  | "arguments_refused"
  | "foreign_session";

/** One of them. Nothing in it is a secret: tokens, arguments and session ids never get here. */
export interface SecurityEvent {
  readonly type: SecurityEventType;
  /** Remote address, with or without port. */
  readonly address?: string;
  /** Principal, once it is proved. */
  readonly principal?: string;
  /** Name of the upstream, where it is about one. */
  readonly upstream?: string;
  /** One sentence for a person. */
  readonly detail?: string;
}

/** Takes events: counts, audits, scores. Never throws, never waits. */
export type SecurityEvents = (event: SecurityEvent) => void;
