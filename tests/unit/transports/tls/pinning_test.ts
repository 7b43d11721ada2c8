import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type tls from "node:tls";
import { TransportError } from "../../../../lib/core/errors.ts";
import { checkPins, pinOfCertificate } from "../../../../transports/tls/pinning.ts";
import { opensslPin, TestAuthority } from "../../../fixtures/certificates.ts";

Deno.test("pinOfCertificate() is the pin that openssl computes", async () => {
  await using authority = await TestAuthority.create();
  const { cert } = await authority.issue("server");
  const { raw } = new X509Certificate(await Deno.readTextFile(cert));
  assert.equal(`sha256/${pinOfCertificate(raw)}`, await opensslPin(cert));
});

Deno.test("checkPins() destroys a connection to a peer that shows no certificate", () => {
  let isDestroyed = false;
  const socket = {
    getPeerCertificate: () => ({}),
    destroy: () => isDestroyed = true,
  } as unknown as tls.TLSSocket;
  checkPins(socket, { where: "tls://h:1", pins: [] });
  assert.equal(isDestroyed, false);
  assert.throws(() => checkPins(socket, { where: "tls://h:1", pins: ["x"] }), TransportError);
  assert.equal(isDestroyed, true);
});
