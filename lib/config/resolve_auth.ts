/**
 * How the gateway proves itself to one server: its variables expanded, and checked against where it goes.
 *
 * @module
 */
import { isLoopback } from "./endpoints.ts";
import type { KeyPath } from "./document_lines.ts";
import { configFault, keyText } from "./fault.ts";
import type { EndpointConfig } from "./gateway_config.ts";
import type { UpstreamAuth } from "./oauth_schema.ts";
import type { UpstreamEntry } from "./upstream_entry.ts";
import { type Environment, expandVariables } from "./variables.ts";

const HTTP = /^((sse\+)?https?|wss?):$/;
const PLAIN = /^((sse\+)?http|ws):$/;
const TEXTS = [
  "clientId",
  "clientSecret",
  "clientMetadataUrl",
  "privateKey",
  "privateKeyFile",
  "keyId",
  "issuer",
  "browser",
] as const;

/**
 * The settings under `auth` of an entry.
 *
 * @throws {ConfigError} an unset variable, an address that is none, a server that is not reached over HTTP or over
 * which a token would travel unencrypted, or an `authorization` header beside it
 */
export function resolveAuth(
  { auth, name, path, place }: UpstreamEntry,
  env: Environment,
  endpoints: readonly EndpointConfig[],
): UpstreamAuth | undefined {
  if (auth === undefined) return undefined;
  const fail = (at: KeyPath, why: string, advice: string): never => {
    const key = keyText([...(path ?? [name]), ...at]);
    throw configFault("Cannot read config", `${key} ${why}`, advice, place(at));
  };
  const texts: Partial<Record<typeof TEXTS[number], string>> = {};
  for (const key of TEXTS) {
    const text = auth[key], at = ["auth", key];
    if (text === undefined) continue;
    texts[key] = path === undefined
      ? text
      : expandVariables(text, env, keyText([...path, ...at]), place(at));
  }
  for (const key of ["clientMetadataUrl", "issuer"] as const) {
    const text = texts[key];
    if (text !== undefined && !URL.canParse(text)) {
      fail(["auth", key], "is no URL", "give the whole address");
    }
  }
  if (texts.clientMetadataUrl?.startsWith("https://") === false) {
    fail(["auth", "clientMetadataUrl"], "is no https URL", "give one that servers can fetch");
  }
  for (const { endpoint } of endpoints) {
    if (!HTTP.test(endpoint.url.protocol)) {
      fail(
        ["auth"],
        "is for servers over HTTP",
        "remove it, or give the program its secret by env",
      );
    }
    if (PLAIN.test(endpoint.url.protocol) && !isLoopback(endpoint)) {
      fail(["auth"], "would send a token unencrypted", "use https");
    }
    if (Object.keys(endpoint.headers ?? {}).some((key) => key.toLowerCase() === "authorization")) {
      fail(["auth"], "stands beside an authorization header", "keep one of them");
    }
  }
  return { ...auth, ...texts };
}
