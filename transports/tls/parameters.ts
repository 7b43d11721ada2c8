/**
 * The TLS parameters of an address: `?cert=FILE&key=FILE&ca=FILE&clientCa=FILE&pin=sha256/BASE64`, and the
 * options of `node:tls` that they stand for. TLS 1.3 where the peer can, 1.2 at least.
 *
 * The files are checked here: `node:tls` in Deno 2.9.6 takes any text for a certificate or key, and says
 * "unsupported protocol" when somebody connects.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import net from "node:net";
import type tls from "node:tls";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { isTlsParameter, urlParameters } from "../../lib/core/url_parameters.ts";

/** What an address says about TLS. */
export interface TlsParameters {
  /** The address for error messages, without its parameters. */
  readonly where: string;
  /** File with our certificate and its chain, PEM. */
  readonly cert?: string;
  /** File with its private key, PEM. */
  readonly key?: string;
  /** File with the authorities that an upstream's certificate may come from, PEM; the system's when absent. */
  readonly ca?: string;
  /** File with the authorities that clients must have a certificate of, PEM. */
  readonly clientCa?: string;
  /** Base64 SHA-256 sums of public keys (SPKI), one of which an upstream must have; none: any key. */
  readonly pins: readonly string[];
}

type FileName = "cert" | "key" | "ca" | "clientCa";
type Fields = { -readonly [K in keyof TlsParameters]?: string | string[] };

const FILES: readonly string[] = ["cert", "key", "ca", "clientCa"] satisfies FileName[];
const PIN = /^sha256\/([A-Za-z0-9+\/]{43}=)$/;
const MIN_VERSION = "TLSv1.2";

/**
 * Reads the TLS parameters of an address. A `+` stands for itself, as base64 needs it. Other parameters
 * are left to others.
 *
 * @throws {TransportError} a parameter twice, or a pin that is not `sha256/` and 44 base64 letters
 */
export function tlsParametersOf(url: URL): TlsParameters {
  const where = url.href.replace(/[?#].*$/s, "");
  const pins: string[] = [];
  const files: Fields = {};
  for (const [name, value] of parametersOf(url, where)) {
    if (!isTlsParameter(url, name)) continue;
    if (name === "pin") pins.push(pinOf(value, where));
    if (!FILES.includes(name)) continue;
    if (files[name as FileName] !== undefined) throw unusable(where, name, "it stands there twice");
    if (value === "") throw unusable(where, name, "it names no file");
    files[name as FileName] = value;
  }
  return { ...files as Partial<TlsParameters>, where, pins };
}

/**
 * Options for `tls.createServer` and `https.createServer`. With `clientCa` only clients with a certificate of
 * those authorities get in.
 *
 * @param alpn protocols offered, best first
 * @throws {TransportError} a file that is missing, cannot be read or is not what it should be; client
 * certificates under Deno 2.6, whose servers let everybody in
 */
export async function serverTlsOptions(
  parameters: TlsParameters,
  alpn: readonly string[],
): Promise<tls.SecureContextOptions & tls.TlsOptions> {
  const { where, clientCa } = parameters;
  if (parameters.cert === undefined) throw unusable(where, "cert", "a TLS listener needs it");
  if (parameters.ca !== undefined) {
    throw unusable(where, "ca", "it is for upstreams; a listener takes clientCa");
  }
  if (parameters.pins.length > 0) throw unusable(where, "pin", "it is for upstreams");
  const options: tls.SecureContextOptions & tls.TlsOptions = {
    ...await identity(parameters),
    ALPNProtocols: [...alpn],
    minVersion: MIN_VERSION,
  };
  if (clientCa === undefined) return options;
  if (Deno.version.deno.startsWith("2.6.")) {
    throw unusable(where, "clientCa", "Deno 2.6 never asks clients for a certificate; use 2.9.6");
  }
  const ca = await authorities(parameters, "clientCa");
  return { ...options, ca, requestCert: true, rejectUnauthorized: true };
}

/**
 * Options for `tls.connect`, without port. The certificate of the server must be good for `host`; pins are
 * the caller's to check (`pinning.ts`).
 *
 * @param host name or address, IPv6 without brackets
 * @param alpn protocols offered, best first
 * @throws {TransportError} a file that is missing, cannot be read or is not what it should be
 */
export async function clientTlsOptions(
  parameters: TlsParameters,
  host: string,
  alpn: readonly string[],
): Promise<tls.ConnectionOptions> {
  const { where, cert, key, ca, clientCa } = parameters;
  if (clientCa !== undefined) {
    throw unusable(where, "clientCa", "it is for listeners; an upstream takes ca");
  }
  return {
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}), // SNI takes names only (RFC 6066)
    ...(cert === undefined && key === undefined ? {} : await identity(parameters)),
    ...(ca === undefined ? {} : { ca: await authorities(parameters, "ca") }),
    ALPNProtocols: [...alpn],
    minVersion: MIN_VERSION,
    rejectUnauthorized: true, // also when NODE_TLS_REJECT_UNAUTHORIZED says otherwise
  };
}

/** Our certificate with its key. */
async function identity(parameters: TlsParameters): Promise<{ cert: string; key: string }> {
  const { where } = parameters;
  if (parameters.cert === undefined) throw unusable(where, "cert", "key is there without it");
  if (parameters.key === undefined) throw unusable(where, "key", "cert is there without it");
  const cert = await textOf(parameters, "cert");
  const key = await textOf(parameters, "key");
  const [leaf] = certificates(cert, parameters, "cert");
  if (!isKeyOf(leaf, privateKey(key, parameters))) {
    throw unusable(where, "key", `${parameters.key} is not the key of ${parameters.cert}`);
  }
  return { cert, key };
}

/** As `checkPrivateKey` does, which Deno 2.6 has not. */
function isKeyOf({ publicKey }: X509Certificate, key: KeyObject): boolean {
  const form = { type: "spki", format: "der" } as const;
  // The types want a public key or PEM; a private key stands for its public one.
  return createPublicKey(key as never).export(form).equals(publicKey.export(form));
}

async function authorities(parameters: TlsParameters, name: "ca" | "clientCa"): Promise<string> {
  const text = await textOf(parameters, name);
  certificates(text, parameters, name);
  return text;
}

async function textOf(parameters: TlsParameters, name: FileName): Promise<string> {
  try {
    return await readFile(parameters[name]!, "utf8");
  } catch (error) {
    throw unusable(parameters.where, name, `cannot read ${parameters[name]}`, error);
  }
}

function certificates(text: string, parameters: TlsParameters, name: FileName): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  const file = parameters[name];
  if (blocks.length === 0) {
    throw unusable(parameters.where, name, `${file} holds no PEM certificate`);
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw unusable(parameters.where, name, `${file} holds a broken certificate`, error);
  }
}

function privateKey(text: string, { where, key }: TlsParameters): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw unusable(where, "key", `${key} holds no usable PEM private key`, error);
  }
}

function pinOf(value: string, where: string): string {
  const match = PIN.exec(value);
  if (match === null) throw unusable(where, "pin", "write sha256/ and 44 letters of base64");
  return match[1];
}

function parametersOf(url: URL, where: string) {
  try {
    return urlParameters(url);
  } catch (error) {
    throw new TransportError(`Cannot use ${where}: a % in its parameters begins nothing`, {
      cause: error,
    });
  }
}

function unusable(where: string, name: string, why: string, cause?: unknown): TransportError {
  const reason = cause === undefined ? "" : ` (${reasonOf(cause)})`;
  return new TransportError(`Cannot use ${name} of ${where}: ${why}${reason}`, { cause });
}
