import assert from "node:assert/strict";
import fc from "fast-check";
import { Passports } from "../../../../transports/workers/passport.ts";

const ORIGIN = {
  address: "2001:db8::1",
  port: 4711,
  tls: { commonName: "ä\r\nx: y", altNames: ["DNS:a"], fingerprint256: "AA:BB" },
};
const LISTENER = "https://127.0.0.1:8443/";

Deno.test("Passports read what others with the same secret write", () => {
  const written = new Passports("secret").write(LISTENER, ORIGIN);
  assert.match(written, /^[\w.-]+$/); // nothing that ends a header
  const passports = new Passports("secret");
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(passports.read(written), { listener: LISTENER, origin: ORIGIN });
  }
});

Deno.test("Passports believe nobody else", () => {
  const passports = new Passports("secret");
  const written = new Passports("other!").write(LISTENER, ORIGIN);
  for (const value of ["", ".", "secret", "secre.e30", "secrets.e30", written]) {
    assert.equal(passports.read(value), undefined, value);
  }
  fc.assert(fc.property(fc.string(), (value) => assert.equal(passports.read(value), undefined)));
});

Deno.test("Passports read many clients", () => {
  const passports = new Passports("secret");
  for (let port = 1; port <= 1000; port++) {
    const written = passports.write(LISTENER, { address: "10.0.0.1", port });
    assert.equal(passports.read(written)?.origin.port, port);
  }
});
