/**
 * Secrets of the configuration that others can read: in files that are open to everybody, in arguments of
 * programs.
 *
 * @module
 */
import type { Command, Endpoint } from "../core/connection.ts";
import type { ConfigDocument } from "./document.ts";
import { keyText } from "./fault.ts";
import type { GatewayConfig } from "./gateway_config.ts";

/** What the warnings are about. */
export type SecretSettings = Pick<GatewayConfig, "listen" | "upstreams">;

/** Everybody else on the machine. */
const OTHERS = 0o007;
/** An argument that says by its name that what follows is a secret. */
export const SECRET_FLAG = /^--?[\w-]*(key|token|secret|password|passwd|auth|credential)[\w-]*$/i;
const SECRET_KEY =
  /^(clientSecret|privateKey|authorization|.*(password|secret|api[-_]?key|token))$/i;
/** Where to find the secret is none. */
const PLACE_FLAG = /(file|path|dir|env|var|name|url)$/i;
/** Shorter texts are no secrets worth the name. */
const SECRET_CHARS_MIN = 8;

/**
 * Warnings about secrets that more can read than should. Files that cannot be read are told of elsewhere.
 *
 * @param document as it was parsed, variables not expanded
 */
export async function secretWarnings(
  { listen, upstreams }: SecretSettings,
  document: ConfigDocument | undefined,
): Promise<string[]> {
  const ways = upstreams.flatMap(({ name, endpoints }) =>
    endpoints.map(({ endpoint }) => ({ name, endpoint }))
  );
  const keyFiles = [
    ...[...listen, ...ways.map(({ endpoint }) => endpoint)].flatMap(keyFileOf),
    ...upstreams.flatMap(({ auth }) =>
      auth !== undefined && "privateKeyFile" in auth && auth.privateKeyFile
        ? [auth.privateKeyFile]
        : []
    ),
  ];
  const warnings: string[] = [];
  for (const path of new Set(keyFiles)) {
    if (await isOpen(path)) {
      warnings.push(`everybody on this machine can read the key ${path}; chmod 600 it`);
    }
  }
  const literal = document && literalSecret(document.value, []);
  if (literal !== undefined && document !== undefined && await isOpen(document.file)) {
    warnings.push(
      `everybody on this machine can read ${document.file}, which holds a secret (${literal}); ` +
        "chmod 600 it, or write ${VARIABLE} there",
    );
  }
  for (const { name, endpoint } of ways) {
    if (endpoint.command !== undefined && hasSecretArgument(endpoint.command)) {
      warnings.push(
        `the arguments of upstream ${name} hold a secret, and everybody on this machine can read ` +
          "arguments; give it by env",
      );
    }
  }
  return warnings;
}

/** A key in the address of a listener or dialled server; sealed hops have theirs in `?key=`, too. */
function keyFileOf({ url }: Endpoint): string[] {
  const file = url.searchParams.get("key");
  return file === null || file === "" ? [] : [file];
}

async function isOpen(path: string): Promise<boolean> {
  if (Deno.build.os === "windows") return false; // it has no such bits
  try {
    const { mode, isFile } = await Deno.stat(path);
    return isFile && mode !== null && (mode & OTHERS) !== 0;
  } catch {
    return false; // whoever needs it says so
  }
}

/** Where a secret stands as itself; `undefined` for nowhere. */
function literalSecret(value: unknown, path: readonly string[]): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, key];
    const isText = typeof inner === "string" && inner.length >= SECRET_CHARS_MIN;
    if (isText && SECRET_KEY.test(key) && !inner.includes("${")) return keyText(here);
    const deeper = literalSecret(inner, here);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

function hasSecretArgument({ args }: Command): boolean {
  return args.some((arg, index) => {
    const [flag, value] = arg.split(/=(.*)/s);
    if (!SECRET_FLAG.test(flag) || PLACE_FLAG.test(flag)) return false;
    if (value !== undefined) return value !== "";
    const next = args[index + 1];
    return next !== undefined && !next.startsWith("-");
  });
}
