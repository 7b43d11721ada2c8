/**
 * Who a client's certificate says it is.
 *
 * @module
 */
import type tls from "node:tls";
import type { TlsIdentity } from "../../lib/core/connection.ts";
import { altNamesOf } from "./alt_names.ts";

/** The identity that a client has proved; `undefined` when it was not asked for a certificate. */
export function identityOf(socket: tls.TLSSocket): TlsIdentity | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  if (certificate?.raw === undefined) return undefined;
  const { CN } = certificate.subject as { CN?: string | string[] };
  return {
    // Several common names: nobody can say which is meant.
    ...(typeof CN === "string" ? { commonName: CN } : {}),
    altNames: altNamesOf(certificate.raw),
    fingerprint256: certificate.fingerprint256,
    ...expiryOf(certificate.valid_to),
  };
}

function expiryOf(validTo: string): Pick<TlsIdentity, "expiresAtMs"> {
  const expiresAtMs = Date.parse(validTo);
  return Number.isNaN(expiresAtMs) ? {} : { expiresAtMs };
}
