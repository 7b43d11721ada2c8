import assert from "node:assert/strict";
import type tls from "node:tls";
import { failureOf } from "../../../../transports/tls/handshakes.ts";

const NO_REASON = { authorizationError: null } as unknown as tls.TLSSocket;

function kindOf(code: string | undefined, socket = NO_REASON): string | undefined {
  return failureOf(Object.assign(new Error("why"), { code }), socket)?.[0];
}

Deno.test("failureOf() tells bad certificates from refusals and nonsense", () => {
  assert.equal(kindOf("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"), "cert_invalid");
  assert.equal(kindOf("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"), "handshake_failure");
  assert.equal(kindOf("ERR_SSL_WRONG_VERSION_NUMBER"), "tls_error");
  assert.equal(kindOf(undefined), "tls_error");
});

Deno.test("failureOf() tells a refused certificate from a lost connection", () => {
  const refused = { authorizationError: "CERT_HAS_EXPIRED" } as unknown as tls.TLSSocket;
  assert.equal(kindOf("ECONNRESET", refused), "cert_invalid");
  assert.equal(kindOf("ECONNRESET"), undefined);
});
