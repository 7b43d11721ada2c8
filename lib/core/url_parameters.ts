/**
 * The parameters of our addresses: `?name=value&name=value`.
 *
 * @module
 */

/**
 * Names and values in their order. Unlike in forms a `+` stands for itself: base64 and file names need it.
 *
 * @throws {URIError} a `%` that begins no UTF-8 sequence
 */
export function urlParameters(url: URL): (readonly [name: string, value: string])[] {
  const query = url.search.slice(1);
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const at = pair.indexOf("=");
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    return [decodeURIComponent(name), decodeURIComponent(value)];
  });
}

/** What the query of an address may say about TLS. */
const TLS_NAMES: readonly string[] = ["cert", "key", "ca", "clientCa", "pin"];
/** Addresses whose query belongs to the server as well. */
const WEB = /^(sse\+)?(https?|wss?):$/;

/**
 * Whether a parameter of this address is ours, for TLS. On the web `key` counts only beside `cert`: many
 * servers take an API key under that name.
 */
export function isTlsParameter(url: URL, name: string): boolean {
  if (!TLS_NAMES.includes(name)) return false;
  return name !== "key" || !WEB.test(url.protocol) || url.searchParams.has("cert");
}
