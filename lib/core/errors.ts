/**
 * The one hierarchy of errors and the one table that maps a failure to what travels on the wire:
 * a JSON-RPC code, and the HTTP status used when a request is refused before dispatch.
 *
 * Codes of our own lie outside -32768..-32000, as the MCP specification (2026-07-28, basic, error
 * codes) asks. See docs/limits.md.
 *
 * @module
 */

/** Base of every error that Sluice throws on purpose. Messages read `Cannot <do>: <why>`. */
export class SluiceError extends Error {
  override name = "SluiceError";
}

/** A bad command line: exit code 2. */
export class UsageError extends SluiceError {
  override name = "UsageError";
  /** What the user can do about it, one clause without a full stop. */
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

/** A bad configuration, placed where it stands in the file when that is known: exit code 2. */
export class ConfigError extends UsageError {
  override name = "ConfigError";
}

/** A connection that could not be made, or broke. Never reaches a peer: callers turn it into a {@link GatewayError}. */
export class TransportError extends SluiceError {
  override name = "TransportError";
}

/** How a failure looks on the wire. */
interface WireForm {
  /** JSON-RPC error code. */
  readonly code: number;
  /** HTTP status when the request is refused before dispatch; after dispatch it is always 200. */
  readonly status: number;
}

/** Every failure a peer can be told of. */
export const WIRE_FORMS = {
  ParseError: { code: -32700, status: 400 },
  InvalidRequest: { code: -32600, status: 400 },
  MethodNotFound: { code: -32601, status: 404 },
  InvalidParams: { code: -32602, status: 400 },
  InternalError: { code: -32603, status: 500 },
  HeaderMismatch: { code: -32020, status: 400 },
  MissingCapability: { code: -32021, status: 400 },
  UnsupportedVersion: { code: -32022, status: 400 },
  UpstreamUnavailable: { code: -31001, status: 200 },
  UpstreamTimeout: { code: -31002, status: 200 },
  NoHealthyUpstream: { code: -31003, status: 503 },
  RateLimited: { code: -31004, status: 429 },
  Overloaded: { code: -31005, status: 503 },
  UpstreamProtocolError: { code: -31006, status: 200 },
  PayloadTooLarge: { code: -31007, status: 413 },
  QuorumNotReached: { code: -31008, status: 200 },
  PolicyDenied: { code: -31009, status: 403 },
} as const satisfies Record<string, WireForm>;

/** Name of a row of {@link WIRE_FORMS}. */
export type Failure = keyof typeof WIRE_FORMS;

/** What a {@link GatewayError} may carry besides its failure and message. */
export interface GatewayErrorOptions {
  /** HTTP status, where the protocol asks for another than the table's (404 for an unknown session). */
  readonly status?: number;
  /** HTTP headers of the refusal (`retry-after`, `www-authenticate`, ...), lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `error.data` of the JSON-RPC error. */
  readonly data?: unknown;
  /** The peer cannot be understood any further: answer, then close the connection. */
  readonly fatal?: boolean;
  /** The error behind this one; never shown to peers. */
  readonly cause?: unknown;
}

/** A failure that a peer is told of, as a JSON-RPC error and, before dispatch over HTTP, as a status. */
export class GatewayError extends SluiceError {
  override name = "GatewayError";
  readonly failure: Failure;
  readonly code: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: unknown;
  readonly fatal: boolean;

  constructor(failure: Failure, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    this.code = WIRE_FORMS[failure].code;
    this.status = options.status ?? WIRE_FORMS[failure].status;
    this.headers = options.headers ?? {};
    this.data = options.data;
    this.fatal = options.fatal ?? false;
  }
}

/** The text of anything thrown, for a log line or the end of a message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Anything thrown, as an error for a peer. What was not meant for peers tells them nothing. */
export function toGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError
    ? thrown
    : new GatewayError("InternalError", "Cannot handle message: internal error", { cause: thrown });
}
