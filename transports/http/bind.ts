/**
 * Listeners from URLs.
 *
 * @module
 */
import { serverTlsOptions, tlsParametersOf } from "../tls/parameters.ts";
import { HTTP_ALPN } from "./bound_server.ts";
import { HttpListener } from "./listener.ts";
import type { HttpListenerOptions } from "./listener_options.ts";

/**
 * Binds what an `http:` URL says, or an `https:` URL with `?cert=FILE&key=FILE[&clientCa=FILE]`
 *
 * @throws {TransportError} when the address cannot be bound, or a file cannot be used
 */
export async function bindHttp(
  url: URL,
  options: HttpListenerOptions = {},
): Promise<HttpListener> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:") {
    return await HttpListener.bind(hostname, Number(url.port || 80), options);
  }
  const tls = await serverTlsOptions(tlsParametersOf(url), HTTP_ALPN);
  return await HttpListener.bind(hostname, Number(url.port || 443), { ...options, tls });
}
