/**
 * Names of what stands in and beside a message.
 *
 * @module
 */

/** Protocol fields that a request of the era without handshake carries in `params._meta`. */
export type MetaField = "protocolVersion" | "clientInfo" | "clientCapabilities" | "logLevel";

/** What travels beside the bytes of a message, where a transport has a place for it. */
export interface MessageContext {
  /** Raw id of the request on whose answer stream the message came. */
  readonly cause?: Uint8Array;
  /** HTTP headers to send with it, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}
