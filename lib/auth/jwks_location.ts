/**
 * Where the keys of an issuer are, when only the issuer is known: its metadata say so.
 *
 * Source: RFC 8414, 3; OpenID Connect Discovery 1.0, 4; the order is that of the MCP specification.
 *
 * @module
 */
import { reasonOf, SluiceError } from "../core/errors.ts";
import type { FetchBytes } from "./fetch_bytes.ts";
import { GuardedWeb } from "./oauth_client/guarded_web.ts";

const BYTES_MAX = 256 * 1024;
const OAUTH = "/.well-known/oauth-authorization-server";
const OPENID = "/.well-known/openid-configuration";

/**
 * The address of an issuer's keys.
 *
 * @param issuer as its tokens name it; the metadata must name it so, letter by letter
 * @param ask {@link fetchOnBehalfOf} that issuer
 * @throws {SluiceError} no metadata, bad ones, or those of another issuer
 */
export async function locateKeys(
  issuer: string,
  ask: FetchBytes,
  signal?: AbortSignal,
): Promise<URL> {
  let failure = "";
  for (const place of placesOf(new URL(issuer))) {
    let bytes: Uint8Array;
    try {
      bytes = await ask(place, { bytesMax: BYTES_MAX, signal });
    } catch (error) { // there may be others
      failure = reasonOf(error);
      continue;
    }
    return keysOf(bytes, issuer, place);
  }
  throw new SluiceError(`Cannot find the keys of ${issuer}: it has no metadata (${failure})`);
}

/**
 * Asks only what the metadata of an issuer may lead to: over https, and to no address of this machine or of a
 * private network unless the issuer is there itself. A name is looked up once, and what was checked is reached.
 */
export function fetchOnBehalfOf(issuer: string): FetchBytes {
  const web = new GuardedWeb({ upstream: new URL(issuer), allowPrivateNetworks: false });
  return async (url, { bytesMax, signal }) => {
    const headers = { accept: "application/json" };
    const answer = await web.fetch(url.href, { headers, ...signal && { signal } });
    const at = `${url.origin}${url.pathname}`;
    if (answer.status !== 200) {
      throw new SluiceError(`Cannot ask ${at}: it answered ${answer.status}`);
    }
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (bytes.length <= bytesMax) return bytes;
    throw new SluiceError(`Cannot ask ${at}: its answer has more than ${bytesMax} bytes`);
  };
}

function placesOf({ origin, pathname }: URL): URL[] {
  const path = pathname.replace(/\/$/, "");
  const texts = path === "" ? [OAUTH, OPENID] : [OAUTH + path, OPENID + path, path + OPENID];
  return texts.map((text) => new URL(text, origin));
}

function keysOf(bytes: Uint8Array, issuer: string, place: URL): URL {
  const fail = (why: string) =>
    new SluiceError(`Cannot find the keys of ${issuer}: ${place} ${why}`);
  let metadata: { issuer?: unknown; jwks_uri?: unknown } | null;
  try {
    metadata = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw fail("is no JSON");
  }
  if (metadata?.issuer !== issuer) throw fail("is about another issuer");
  const { jwks_uri } = metadata;
  if (typeof jwks_uri !== "string" || !URL.canParse(jwks_uri)) throw fail("names no keys");
  return new URL(jwks_uri);
}
