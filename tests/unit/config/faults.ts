import assert from "node:assert/strict";
import { parseDocument } from "../../../lib/config/document.ts";
import type { ConfigFlags } from "../../../lib/config/flags.ts";
import { resolveConfig } from "../../../lib/config/load.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

/** Environment variables of a test. */
export type Variables = Record<string, string>;

/** Resolves a file of this content, called `gateway.json`, one value a line. */
export async function resolve(file: unknown, flags: ConfigFlags = {}, env: Variables = {}) {
  const document = file === undefined
    ? undefined
    : await parseDocument(JSON.stringify(file, null, 1), "gateway.json");
  return await resolveConfig(document, flags, env);
}

/** The line a user would read. */
export async function faultOf(file: unknown, flags: ConfigFlags = {}, env: Variables = {}) {
  try {
    await resolve(file, flags, env);
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, `not a ConfigError: ${thrown}`);
    return `${thrown.message}; ${thrown.advice}`;
  }
  throw new Error("nothing was thrown");
}
