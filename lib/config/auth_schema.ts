/**
 * The part of the schema that says who clients are, and what each may do.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, ms, text } from "./schema_parts.ts";

const { auth: D } = DEFAULTS;

/** How a listener lets clients prove who they are. */
export const PROOFS = ["none", "apiKey", "jwt", "introspection", "certificate"] as const;
/** How a listener lets clients prove who they are. */
export type ProofName = typeof PROOFS[number];

/** Signatures of tokens: asymmetric ones only. */
export const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

const ENTRIES_MAX = 10_000;
const words = z.array(text.regex(/^[^\s"\\]+$/, { error: "has a space or quote in it" }))
  .max(ENTRIES_MAX);
const patterns = z.array(text.max(1024)).max(1000);

const secureUrl = z.string().refine(isSecure, {
  error: "is no https address; give https://..., or http:// on this machine",
});

/** Whether an address is safe from others on the way: over TLS, or on this machine. */
function isSecure(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  if (protocol === "https:") return true;
  return protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

const grantShape = {
  roles: about(words.default([]), { description: "roles of everybody known in this way" }),
  tier: about(text.optional(), { description: "tier of rate limits" }),
};

const scopes = about(words.default([]), { description: "scopes that it has been granted" });

const client = z.strictObject({
  keys: about(
    z.record(
      z.string().min(1),
      z.string().regex(/^sha256:[0-9a-f]{64}$/i, {
        error: "is no digest of a key; give sha256: and 64 hexadecimal digits",
      }),
    ),
    { description: "digests of its keys by name, `sha256:HEX`; the keys themselves stand nowhere" },
  ),
  scopes,
  ...grantShape,
});

const issuer = z.strictObject({
  issuer: about(secureUrl, {
    description: "claim `iss` of its tokens, to the letter",
    unit: "URL",
  }),
  jwksUrl: about(secureUrl.optional(), {
    description: "where its public keys are; else its metadata say so (RFC 8414, OpenID Connect)",
    unit: "URL",
  }),
  algorithms: about(z.array(z.enum(ALGORITHMS)).min(1).default([...ALGORITHMS]), {
    description: "signatures that count",
    unit: "algorithm",
  }),
  rolesClaim: about(text.optional(), {
    description: "claim that holds roles, nested names joined by dots",
  }),
  ...grantShape,
});

const introspection = z.strictObject({
  url: about(secureUrl, { description: "introspection endpoint (RFC 7662)", unit: "URL" }),
  issuer: about(secureUrl, { description: "authorization server that it belongs to", unit: "URL" }),
  clientId: about(text, { description: "name of the gateway there" }),
  clientSecretEnv: about(
    text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "is no name of a variable" }),
    {
      description: "variable that holds its secret there",
      unit: "variable",
    },
  ),
  audienceOptional: about(z.boolean().default(false), {
    description: "takes tokens whose audience the server does not tell",
  }),
  rolesClaim: about(text.optional(), { description: "member of the answer that holds roles" }),
  ...grantShape,
});

const certificate = z.strictObject({
  commonName: about(text.optional(), { description: "common name that it must have" }),
  altName: about(
    z.string().regex(/^(DNS|email|URI|IP):/, { error: "is no alternative name; give DNS:NAME" })
      .optional(),
    { description: "alternative name that it must have", unit: "DNS:NAME, email:, URI: or IP:" },
  ),
  fingerprint: about(
    z.string().regex(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i, {
      error: "is no fingerprint; give 32 hexadecimal pairs with colons",
    }).optional(),
    { description: "its own SHA-256", unit: "AA:BB:..." },
  ),
  scopes,
  ...grantShape,
}).refine((entry) => (entry.commonName ?? entry.altName ?? entry.fingerprint) !== undefined, {
  error: "recognises nobody; give commonName, altName or fingerprint",
});

/** Who clients are. */
export const auth = z.strictObject({
  publicUrl: about(
    z.string().refine((url) => url === "" || isPublicUrl(url), {
      error: "is no public address; give https://HOST[/PATH]",
    }).default(D.publicUrl),
    {
      description: "where clients reach the gateway: tokens are for this address and what is below",
      unit: "URL",
    },
  ),
  audience: about(words.default([...D.audience]), {
    description: "what tokens may be for, besides the public address",
  }),
  listeners: about(
    z.record(z.string(), z.array(z.enum(PROOFS)).min(1)).default({ ...D.listeners }),
    {
      description:
        "how clients prove who they are, by listener; else in every way that is set up, and not at all on stdio and unix sockets",
    },
  ),
  clients: about(z.record(z.string(), client).default({ ...D.clients }), {
    description: "clients with keys",
  }),
  issuers: about(z.record(z.string(), issuer).default({ ...D.issuers }), {
    description: "authorization servers whose signed tokens (JWT) are taken",
  }),
  introspection: about(z.record(z.string(), introspection).default({ ...D.introspection }), {
    description: "authorization servers that are asked about tokens",
  }),
  certificates: about(z.record(z.string(), certificate).default({ ...D.certificates }), {
    description: "clients with certificates; without an entry whoever has a trusted one",
  }),
  scopes: about(words.default([...D.scopes]), {
    description: "scopes that clients are told to ask for to begin with",
  }),
  clockSkewMs: about(z.int().min(0).max(300_000).default(D.clockSkewMs), {
    description: "clocks of issuers may differ by so much",
    unit: "ms",
  }),
  jwksStaleMs: ms(
    D.jwksStaleMs,
    "keys of an issuer that cannot be reached are good for so long after they were fetched",
  ),
  introspectionMs: about(z.int().min(1).max(300_000).default(D.introspectionMs), {
    description: "what a server said of a token is believed for so long",
    unit: "ms",
  }),
  revocations: about(z.string().default(D.revocations), {
    description: "list of revoked tokens by `jti`: JSON, or one a line; empty for none",
    unit: "path or URL",
  }),
  revocationsMs: about(z.int().min(1000).max(86_400_000).default(D.revocationsMs), {
    description: "it is read again after so long",
    unit: "ms",
  }),
});

function isPublicUrl(address: string): boolean {
  if (!isSecure(address) || address.endsWith("/")) return false;
  const { search, hash, username } = new URL(address);
  return search === "" && hash === "" && username === "";
}

const rule = z.strictObject({
  methods: about(patterns.optional(), { description: "methods that it allows", unit: "pattern" }),
  tools: about(patterns.optional(), {
    description: "tools that it allows, under their server's names",
    unit: "pattern",
  }),
  prompts: about(patterns.optional(), {
    description: "prompts that it allows, under their server's names",
    unit: "pattern",
  }),
  resources: about(patterns.optional(), {
    description: "resources that it allows",
    unit: "pattern of URIs",
  }),
  servers: about(patterns.optional(), { description: "on these servers only", unit: "pattern" }),
  principals: about(patterns.optional(), {
    description: "for these only: key:NAME, certificate:NAME, `ISSUER SUBJECT`, anonymous",
    unit: "pattern",
  }),
  roles: about(words.optional(), { description: "for who has one of these roles" }),
  scopes: about(words.optional(), { description: "for who has all of these scopes" }),
});

/** What each may do. */
export const access = z.strictObject({
  rules: about(z.record(z.string(), rule).default({ ...DEFAULTS.access.rules }), {
    description: "permissions by name; with one, whatever none allows is refused",
  }),
  implies: about(z.record(z.string(), words).default({ ...DEFAULTS.access.implies }), {
    description: "scopes that a broader scope includes, by the broader one",
  }),
});
