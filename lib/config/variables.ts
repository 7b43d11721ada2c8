/**
 * Environment variables inside the strings of server entries: `${VAR}`, `${VAR:-default}` and
 * `${env:VAR}`, the spellings of Claude Code, Cursor and VS Code.
 *
 * @module
 */
import { fileFault, type Place } from "./fault.ts";

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE =
  /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{(input|command):[^}]*\}/g;

/**
 * Replaces the variables of one string. Anything else between braces stays as it is. As in a shell, a
 * default also stands in for an empty variable. What a variable holds is not expanded again.
 *
 * @throws {ConfigError} a variable is not set and has no default
 */
export function expandVariables(
  text: string,
  env: Environment,
  key: string,
  place?: Place,
): string {
  if (!text.includes("${")) return text;
  return text.replace(VARIABLE, (whole, name, preset, prompt) => {
    if (prompt !== undefined) {
      throw fileFault(
        `${key} asks the editor for \${${prompt}:...}, which only VS Code can answer`,
        "use an environment variable, ${NAME}",
        place,
      );
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (preset !== undefined) return value === undefined || value === "" ? preset : value;
    if (value !== undefined) return value;
    throw fileFault(
      `${key} needs the variable ${name}, which is not set`,
      `set it, or write ${whole.slice(0, -1)}:-default}`,
      place,
    );
  });
}
