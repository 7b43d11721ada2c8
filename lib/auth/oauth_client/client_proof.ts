/**
 * How the gateway proves to an authorization server that it is the client it says: by nothing, a secret, or
 * a key.
 *
 * @module
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import * as oauth from "oauth4webapi";
import type { UpstreamAuth } from "../../config/oauth_schema.ts";
import type { IssuerMetadata } from "./issuer.ts";
import { AuthorizationProblem } from "./problem.ts";
import type { KeptClient } from "./token_file.ts";

/**
 * The proof of a client.
 *
 * @param registered set where the client registered itself
 * @throws {AuthorizationProblem} a key that cannot be used
 */
export async function clientProof(
  auth: UpstreamAuth,
  server: IssuerMetadata,
  registered: KeptClient | undefined,
): Promise<oauth.ClientAuth> {
  if (registered !== undefined) {
    const { clientSecret, authMethod } = registered;
    if (clientSecret === undefined || authMethod === "none") return oauth.None();
    return secretProof(clientSecret, authMethod);
  }
  const pem = await privateKeyOf(auth);
  if (pem !== undefined) return oauth.PrivateKeyJwt(await signingKey(pem, auth.keyId));
  if (auth.clientSecret === undefined) return oauth.None();
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const basic = methods.includes("client_secret_basic") || !methods.includes("client_secret_post");
  return secretProof(auth.clientSecret, basic ? "client_secret_basic" : "client_secret_post");
}

function secretProof(secret: string, method: string | undefined): oauth.ClientAuth {
  return method === "client_secret_post" ? oauth.ClientSecretPost(secret) : basicProof(secret);
}

/**
 * Encoded as forms are (RFC 6749, 2.3.1). The library's own also escapes `-`, `_` and `.`, which servers that
 * do not decode take for another client.
 */
function basicProof(secret: string): oauth.ClientAuth {
  return (_server, client, _body, headers) => {
    const pair = `${formEncoded(client.client_id)}:${formEncoded(secret)}`;
    headers.set("authorization", `Basic ${btoa(pair)}`);
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

async function privateKeyOf({ privateKey, privateKeyFile }: UpstreamAuth) {
  if (privateKeyFile === undefined) return privateKey;
  try {
    return await Deno.readTextFile(privateKeyFile);
  } catch {
    throw new AuthorizationProblem(`the key file ${privateKeyFile} cannot be read`);
  }
}

/** The key in the form of the library, for the algorithm that its kind stands for. */
async function signingKey(pem: string, kid: string | undefined): Promise<oauth.PrivateKey> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new AuthorizationProblem("the private key is no key in PEM");
  }
  const algorithm = algorithmOf(key);
  const bytes = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  const imported = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
  return kid === undefined ? { key: imported } : { key: imported, kid };
}

function algorithmOf(key: KeyObject) {
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (key.asymmetricKeyType === "ec" && curve !== undefined) {
    return { name: "ECDSA", namedCurve: curve };
  }
  if (key.asymmetricKeyType === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (key.asymmetricKeyType === "rsa-pss") return { name: "RSA-PSS", hash: "SHA-256" };
  if (key.asymmetricKeyType === "ed25519") return { name: "Ed25519" };
  throw new AuthorizationProblem("the private key is of a kind that signs no assertions");
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};
