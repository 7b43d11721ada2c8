/**
 * The listeners that file, environment and flags name.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import { parseListen } from "./endpoints.ts";
import { configFault, type Place } from "./fault.ts";

/**
 * Parses a list of URLs to listen on.
 *
 * @param place where the URL of an index stands
 * @throws {ConfigError} an URL that cannot be listened on, or one named twice
 */
export function resolveListeners(
  urls: readonly string[],
  place: (index: number) => Place,
): Endpoint[] {
  const seen = new Set<string>();
  return urls.map((text, index) => {
    const endpoint = parseListen(text, place(index));
    const { href, port } = endpoint.url;
    if (seen.has(href) && port !== "0") {
      throw configFault(
        `Cannot listen on ${href}`,
        "it is named twice",
        "name it once",
        place(index),
      );
    }
    seen.add(href);
    return endpoint;
  });
}
