/**
 * Requests for tests of authentication.
 *
 * @module
 */
import type { RequestInfo, TlsIdentity } from "../../../lib/core/connection.ts";

/** A request with these headers, by lower-case name. */
export function requestWith(
  headers: Readonly<Record<string, string>> = {},
  more: { readonly transport?: string; readonly tls?: TlsIdentity } = {},
): RequestInfo {
  return {
    transport: more.transport ?? "http",
    address: "192.0.2.1:5123",
    ...(more.tls && { tls: more.tls }),
    header: (name) => headers[name],
  };
}
