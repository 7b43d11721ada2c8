/**
 * Names under which tools and prompts of several servers appear together: `SERVER__NAME`, at most 64
 * characters of `[A-Za-z0-9_.-]`. A name depends on its server and itself alone, so it survives restarts.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Longest name that every client takes, characters. */
export const NAME_LENGTH_MAX = 64;

const SEPARATOR = "__";
const HASH_LENGTH = 12;
/** How a name ends that had to be changed. Names that end so by themselves are changed too: none is ambiguous. */
const HASHED = /_h[0-9a-f]{12}$/;

/**
 * The name under which a server's tool or prompt appears.
 *
 * @param prefix of the server, without `__` in it and `_` at its end
 */
export function exposedName(prefix: string, name: string): string {
  const exposed = `${prefix}${SEPARATOR}${name}`;
  const isPlain = exposed.length <= NAME_LENGTH_MAX && /^[A-Za-z0-9_.-]+$/.test(name) &&
    !HASHED.test(exposed);
  return isPlain ? exposed : changed(prefix, name);
}

function changed(prefix: string, name: string): string {
  const digest = createHash("sha256").update(`${prefix}\0${name}`).digest("hex");
  const suffix = `_h${digest.slice(0, HASH_LENGTH)}`;
  const legal = `${prefix}${SEPARATOR}${name.replace(/[^A-Za-z0-9_.-]/g, "_")}`;
  return legal.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix;
}

/** An exposed name taken apart. */
export interface ExposedParts {
  readonly prefix: string;
  /** The server's own name for it; `undefined` when that had to be changed: then only a list tells. */
  readonly name: string | undefined;
}

/** Takes an exposed name apart; `undefined` when it is none. */
export function partsOf(exposed: string): ExposedParts | undefined {
  const at = exposed.indexOf(SEPARATOR);
  if (at <= 0 || at + SEPARATOR.length === exposed.length) return undefined;
  const prefix = exposed.slice(0, at), name = exposed.slice(at + SEPARATOR.length);
  if (HASHED.test(exposed)) return { prefix, name: undefined };
  return { prefix, name: exposedName(prefix, name) === exposed ? name : undefined };
}

/**
 * One legal URI scheme for each prefix, all different: `SCHEME+URI` names a resource whose URI another
 * server has too.
 */
export function resourceSchemes(prefixes: readonly string[]): readonly string[] {
  const plain = prefixes.map((prefix) => {
    const scheme = prefix.toLowerCase().replaceAll("_", "-");
    return /^[a-z]/.test(scheme) ? scheme : `s${scheme}`;
  });
  return plain.map((scheme, index) => {
    if (plain.filter((other) => other === scheme).length === 1) return scheme;
    const digest = createHash("sha256").update(prefixes[index]).digest("hex");
    return `${scheme}-${digest.slice(0, HASH_LENGTH)}`;
  });
}
