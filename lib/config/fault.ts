/**
 * How a bad configuration is told: one line, and where it stands.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";

/** Where a value came from: `gateway.json:12`, or the variable or flag itself. */
export type Place = string | undefined;

/** A {@link ConfigError} that reads `<what>: <why>; <advice> (<place>)`. */
export function configFault(what: string, why: string, advice: string, place?: Place): ConfigError {
  return new ConfigError(`${what}: ${why}`, place === undefined ? advice : `${advice} (${place})`);
}

/** A fault of the configuration file. */
export function fileFault(why: string, advice: string, place?: Place): ConfigError {
  return configFault("Cannot read config", why, advice, place);
}

/** A key path as a user writes it: `sluice.limits.messageBytes`, `mcpServers["my server"].args[0]`. */
export function keyText(path: readonly (string | number | symbol)[]): string {
  return path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    const word = String(part);
    if (!/^[A-Za-z0-9_$-]+$/.test(word)) return `[${JSON.stringify(word.slice(0, 64))}]`;
    return index === 0 ? word : `.${word}`;
  }).join("");
}

/** What kind of value stands somewhere, without the value: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return value === "" ? "an empty string" : "a string";
  if (typeof value === "boolean") return "true or false";
  return "a number";
}
