import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { altNamesOf } from "../../../../transports/tls/alt_names.ts";
import { TestAuthority } from "../../../fixtures/certificates.ts";

async function der(file: string): Promise<Uint8Array> {
  return new X509Certificate(await Deno.readTextFile(file)).raw;
}

Deno.test("altNamesOf() reads names, addresses and URIs", async () => {
  await using authority = await TestAuthority.create();
  const altNames = ["DNS:a.example", "email:a@b.example", "URI:spiffe://a/b", "IP:10.0.0.1"];
  const { cert } = await authority.issue("client", { altNames: [...altNames, "IP:2001:db8::1"] });
  assert.deepEqual(altNamesOf(await der(cert)), [...altNames, "IP:2001:db8:0:0:0:0:0:1"]);
});

Deno.test("altNamesOf() does not take a comma for the end of a name", async () => {
  await using authority = await TestAuthority.create();
  const altNames = ["@names\n[names]\nURI.1=spiffe://a, DNS:evil.example\nDNS.1=b"];
  const { cert } = await authority.issue("client", { altNames });
  assert.deepEqual(altNamesOf(await der(cert)), ["URI:spiffe://a, DNS:evil.example", "DNS:b"]);
});

Deno.test("altNamesOf() is empty where there are none", async () => {
  await using authority = await TestAuthority.create();
  assert.deepEqual(altNamesOf(await der(authority.ca)), []);
});
