/**
 * Pinning: an upstream must have one of the public keys that its address names. The sum is that of
 * HPKP (RFC 7469, section 2.4) and curl's `--pinnedpubkey`: SHA-256 over the SubjectPublicKeyInfo of
 * the server's own certificate. Several pins allow a key to be changed.
 *
 * @module
 */
import { createHash, X509Certificate } from "node:crypto";
import type tls from "node:tls";
import { TransportError } from "../../lib/core/errors.ts";
import type { TlsParameters } from "./parameters.ts";

/** Base64 SHA-256 of the public key of a certificate in DER. */
export function pinOfCertificate(der: Uint8Array): string {
  const { publicKey } = new X509Certificate(der);
  const spki = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

/**
 * Checks the key of a peer whose handshake is done. To be called before the first byte is written: what a
 * socket was given earlier leaves with the end of the handshake.
 *
 * @throws {TransportError} another key than those pinned; the socket is destroyed
 */
export function checkPins(socket: tls.TLSSocket, { pins, where }: TlsParameters): void {
  if (pins.length === 0) return;
  const raw: Uint8Array | undefined = socket.getPeerCertificate()?.raw;
  const pin = raw === undefined ? "none" : pinOfCertificate(raw);
  if (pins.includes(pin)) return;
  const error = new TransportError(
    `Cannot trust ${where}: its public key sha256/${pin} matches no pin`,
  );
  socket.destroy();
  throw error;
}
