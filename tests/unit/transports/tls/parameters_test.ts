import assert from "node:assert/strict";
import { TransportError } from "../../../../lib/core/errors.ts";
import {
  clientTlsOptions,
  serverTlsOptions,
  tlsParametersOf,
} from "../../../../transports/tls/parameters.ts";
import { TestAuthority } from "../../../fixtures/certificates.ts";

const PIN = `sha256/${"A+/".repeat(14)}a=`;

function parametersOf(query: string) {
  return tlsParametersOf(new URL(`tls://h.example:1?${query}`));
}

async function failureOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof TransportError, String(error));
    return error.message;
  }
  throw new Error("nothing was thrown");
}

Deno.test("tlsParametersOf() reads files and any number of pins, and leaves the rest to others", () => {
  const query = `framing=length&cert=/a%20b/c+d.pem&key=k&ca=a&clientCa=b&pin=${PIN}&pin=${PIN}`;
  assert.deepEqual(parametersOf(query), {
    where: "tls://h.example:1",
    cert: "/a b/c+d.pem",
    key: "k",
    ca: "a",
    clientCa: "b",
    pins: [PIN.slice("sha256/".length), PIN.slice("sha256/".length)],
  });
  assert.deepEqual(parametersOf(""), { where: "tls://h.example:1", pins: [] });
});

Deno.test("tlsParametersOf() names the parameter that is wrong", async () => {
  const golden: [string, string][] = [
    [
      "pin=sha256/AAAA",
      "Cannot use pin of tls://h.example:1: write sha256/ and 44 letters of base64",
    ],
    ["cert=a&cert=b", "Cannot use cert of tls://h.example:1: it stands there twice"],
    ["ca=", "Cannot use ca of tls://h.example:1: it names no file"],
    ["ca=%ff", "Cannot use tls://h.example:1: a % in its parameters begins nothing"],
  ];
  for (const [query, message] of golden) {
    assert.equal(await failureOf(() => parametersOf(query)), message);
  }
});

Deno.test("serverTlsOptions() asks clients for certificates only with clientCa", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("server");
  const plain = await serverTlsOptions(parametersOf(`cert=${cert}&key=${key}`), ["a", "b"]);
  assert.equal(plain.minVersion, "TLSv1.2");
  assert.deepEqual(plain.ALPNProtocols, ["a", "b"]);
  assert.equal(plain.requestCert, undefined);
  const query = `cert=${cert}&key=${key}&clientCa=${authority.ca}`;
  const mutual = await serverTlsOptions(parametersOf(query), []);
  assert.equal(mutual.requestCert, true);
  assert.equal(mutual.rejectUnauthorized, true);
  assert.equal(mutual.ca, await Deno.readTextFile(authority.ca));
});

Deno.test("serverTlsOptions() names the parameter and the file that are wrong", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("server");
  const other = await authority.issue("other");
  const broken = await authority.write(
    "broken.pem",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  const golden: [string, RegExp][] = [
    ["", /^Cannot use cert of tls:\/\/h\.example:1: a TLS listener needs it$/],
    [`cert=${cert}`, /^Cannot use key of .*: cert is there without it$/],
    [`cert=/none.pem&key=${key}`, /^Cannot use cert of .*: cannot read \/none\.pem \(ENOENT/],
    [`cert=${cert}&key=/none.key`, /^Cannot use key of .*: cannot read \/none\.key \(ENOENT/],
    [`cert=${key}&key=${key}`, /^Cannot use cert of .*: .*server\.key holds no PEM certificate$/],
    [`cert=${broken}&key=${key}`, /^Cannot use cert of .*: .*broken\.pem holds a broken certifi/],
    [`cert=${cert}&key=${cert}`, /^Cannot use key of .*server\.pem holds no usable PEM private/],
    [`cert=${cert}&key=${other.key}`, /^Cannot use key of .*other\.key is not the key of .*server/],
    [`cert=${cert}&key=${key}&clientCa=${key}`, /^Cannot use clientCa of .*holds no PEM certifica/],
    [`cert=${cert}&key=${key}&ca=${cert}`, /^Cannot use ca of .*: it is for upstreams/],
    [`cert=${cert}&key=${key}&pin=${PIN}`, /^Cannot use pin of .*: it is for upstreams/],
  ];
  for (const [query, message] of golden) {
    assert.match(await failureOf(() => serverTlsOptions(parametersOf(query), [])), message);
  }
});

Deno.test("clientTlsOptions() sends a name only where there is one", async () => {
  const options = await clientTlsOptions(parametersOf(""), "h.example", ["mcp"]);
  assert.equal(options.servername, "h.example");
  assert.equal(options.rejectUnauthorized, true);
  assert.equal(options.minVersion, "TLSv1.2");
  for (const address of ["127.0.0.1", "::1"]) {
    assert.equal((await clientTlsOptions(parametersOf(""), address, [])).servername, undefined);
  }
});

Deno.test("clientTlsOptions() names the parameter that is wrong", async () => {
  const golden: [string, RegExp][] = [
    ["clientCa=a", /^Cannot use clientCa of .*: it is for listeners; an upstream takes ca$/],
    ["key=a", /^Cannot use cert of .*: key is there without it$/],
    ["ca=/none.pem", /^Cannot use ca of .*: cannot read \/none\.pem \(ENOENT/],
  ];
  for (const [query, message] of golden) {
    assert.match(await failureOf(() => clientTlsOptions(parametersOf(query), "h", [])), message);
  }
});
