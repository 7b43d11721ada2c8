/**
 * Names of what stands in and beside a message.
 *
 * @module
 */
import type { Identity } from "./identity.ts";
import type { TraceContext } from "./trace_context.ts";

/** Protocol fields that a request of the era without handshake carries in `params._meta`. */
export type MetaField = "protocolVersion" | "clientInfo" | "clientCapabilities" | "logLevel";

/** What travels beside the bytes of a message, where a transport has a place for it. */
export interface MessageContext {
  /** Raw id of the request on whose answer stream the message came. */
  readonly cause?: Uint8Array;
  /** Who has proved to have sent it, where that is another proof than the one its connection was opened with. */
  readonly identity?: Identity;
  /** HTTP headers to send with it, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it stands in a trace, where that is another place than the message itself says. */
  readonly trace?: TraceContext;
}
