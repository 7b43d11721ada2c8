/**
 * Settings of how the gateway proves itself to a server over HTTP.
 *
 * @module
 */
import { z } from "zod";
import { about, count, ms, text } from "./schema_parts.ts";

/** Ways to get a token: a person logs in, or the gateway proves itself. */
export const AUTH_TYPES = ["oauth", "client_credentials"] as const;
/** Names of this machine that a browser may be sent back to. */
export const REDIRECT_HOSTS = ["127.0.0.1", "localhost"] as const;

/** Settings under `auth` of an upstream. */
export const upstreamAuth = z.strictObject({
  type: about(z.enum(AUTH_TYPES), {
    description:
      "oauth: a person logs in with a browser (authorization code with PKCE); client_credentials: the gateway itself is the client",
  }),
  clientId: about(text.optional(), {
    description: "client that was registered beforehand; without one the gateway registers itself",
  }),
  clientSecret: about(text.optional(), { description: "its secret, best as ${VAR}" }),
  clientMetadataUrl: about(text.optional(), {
    description:
      "document that describes the client, used as its id by authorization servers that take it",
    unit: "URL",
  }),
  privateKey: about(text.optional(), {
    description: "key the client proves itself with instead of a secret, PEM, best as ${VAR}",
  }),
  privateKeyFile: about(text.optional(), { description: "file with that key", unit: "path" }),
  keyId: about(text.optional(), { description: "id of the key at the authorization server" }),
  scopes: about(z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default([]), {
    description: "asked for besides those that the server names; without any, those it supports",
    unit: "scope",
  }),
  issuer: about(text.optional(), {
    description: "the one authorization server to use; else the first that the server names",
    unit: "URL",
  }),
  redirectHost: about(z.enum(REDIRECT_HOSTS).default("127.0.0.1"), {
    description: "how the browser is sent back to this machine",
  }),
  redirectPort: count(
    0,
    65_535,
    0,
    "port it is sent back to; 0 for any that is free",
    "port",
  ),
  browser: about(z.string().default("system"), {
    description:
      "system: the one of the user; none: the address is only told in the log; else a program that takes the address",
    unit: "path",
  }),
  loginMs: ms(300_000, "time for a person to log in"),
  allowPrivateNetworks: about(z.boolean().default(false), {
    description: "the authorization server may have an address of a private network",
  }),
}).superRefine((auth, context) => {
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  const proofs = [auth.clientSecret, auth.privateKey, auth.privateKeyFile];
  const given = proofs.filter((proof) => proof !== undefined).length;
  if (given > 1) refuse("has more than one of clientSecret, privateKey and privateKeyFile");
  if (auth.clientId !== undefined && auth.clientMetadataUrl !== undefined) {
    refuse("has both clientId and clientMetadataUrl; keep one of them");
  }
  if (given > 0 && auth.clientId === undefined && auth.clientMetadataUrl === undefined) {
    refuse("has a secret or key but no client; give clientId");
  }
  if (auth.type !== "client_credentials") return;
  if (auth.clientId === undefined) refuse("has no clientId; give the client that was registered");
  else if (given === 0) refuse("has no clientSecret, privateKey or privateKeyFile; give one");
});

/** How the gateway proves itself to one server; variables are expanded. */
export type UpstreamAuth = Readonly<z.output<typeof upstreamAuth>>;
