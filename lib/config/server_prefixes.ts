/**
 * Under which prefix the tools and prompts of each server appear when several stand behind one endpoint.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Longest prefix, characters: what is left of 64 is for the names of tools. */
export const PREFIX_LENGTH_MAX = 32;

const HASH_LENGTH = 6;

/**
 * One prefix for each server, `[A-Za-z0-9_-]`, all different, without `__` within and `_` at the end: so
 * `PREFIX__NAME` can be read back. It depends on the server's own name alone, unless two names come out
 * alike: then both get a hash of their name, in whatever order they stand.
 */
export function serverPrefixes(names: readonly string[]): ReadonlyMap<string, string> {
  const plain = new Map(names.map((name) => [name, plainPrefix(name)]));
  const holders = Map.groupBy(names, (name) => plain.get(name)!.toLowerCase());
  return new Map(names.map((name) => {
    const prefix = plain.get(name)!;
    const isAlone = holders.get(prefix.toLowerCase())!.length === 1;
    return [name, isAlone ? prefix : hashed(prefix, name)];
  }));
}

function plainPrefix(name: string): string {
  const prefix = name.replace(/[^A-Za-z0-9_-]/g, "_").replace(/__+/g, "_").replace(/_+$/, "") ||
    "server";
  return prefix.length > PREFIX_LENGTH_MAX ? hashed(prefix, name) : prefix;
}

function hashed(prefix: string, name: string): string {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, HASH_LENGTH);
  return `${prefix.slice(0, PREFIX_LENGTH_MAX - HASH_LENGTH - 1)}-${digest}`;
}
