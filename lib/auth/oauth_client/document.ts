/**
 * Documents of metadata.
 *
 * @module
 */
import type { GuardedWeb } from "./guarded_web.ts";
import { AuthorizationProblem } from "./problem.ts";

/**
 * A JSON object; `undefined` where there is none (any status 4xx).
 *
 * @throws {AuthorizationProblem} the address must not be reached, or what is there is no JSON object
 */
export async function jsonObject(
  web: GuardedWeb,
  url: URL,
): Promise<Record<string, unknown> | undefined> {
  const answer = await web.fetch(url.href, { headers: { accept: "application/json" } });
  const { status } = answer;
  if (status >= 400 && status < 500) return undefined;
  const at = `${url.origin}${url.pathname}`;
  if (status !== 200) throw new AuthorizationProblem(`${at}: it answers with status ${status}`);
  let value: unknown;
  try {
    value = await answer.json();
  } catch {
    throw new AuthorizationProblem(`${at}: it is no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AuthorizationProblem(`${at}: it is no JSON object`);
  }
  return value as Record<string, unknown>;
}
