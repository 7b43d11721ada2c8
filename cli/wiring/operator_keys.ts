/**
 * Tokens of operators. What the gateway remembers are digests.
 *
 * @module
 */
import { hash } from "node:crypto";
import { ConfigError } from "../../lib/core/errors.ts";
import { ApiKeys } from "../../lib/auth/api_keys.ts";
import { digestOf } from "../../lib/auth/credential.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { expandVariables } from "../../lib/config/variables.ts";

/** Shorter ones can be guessed. */
const TOKEN_CHARS_MIN = 16;

/** See the module. */
export class OperatorKeys {
  /** Whether there is one. */
  readonly any: boolean;
  readonly #keys: ApiKeys;

  /** @throws {ConfigError} a variable is not set, or holds too little */
  constructor({ tokens }: GatewayConfig["admin"], env = Deno.env.toObject()) {
    const keys = Object.fromEntries(
      Object.entries(tokens).map(([name, text]) => [name, digest(name, text, env)]),
    );
    this.any = Object.keys(keys).length > 0;
    this.#keys = new ApiKeys({ operators: { keys, scopes: [], roles: [] } });
  }

  /** Whether a text is one of them. */
  has(text: string): boolean {
    return this.#keys.identify(digestOf(text)) !== undefined;
  }
}

function digest(name: string, text: string, env: Record<string, string>): string {
  if (text.startsWith("sha256:")) return text;
  const key = `sluice.admin.tokens.${name}`;
  const token = expandVariables(text, env, key);
  if (token.length < TOKEN_CHARS_MIN) {
    throw new ConfigError(
      `Cannot read config: the variable of ${key} holds fewer than ${TOKEN_CHARS_MIN} characters`,
      "give a random text of 32 or more",
    );
  }
  return `sha256:${hash("sha256", token, "hex")}`;
}
