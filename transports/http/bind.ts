/**
 * Listeners from URLs.
 *
 * @module
 */
import { TransportError } from "../../lib/core/errors.ts";
import { canServeHttp2 } from "../http2/trial.ts";
import { HTTP2_ALPN } from "../http2/wire.ts";
import { serverTlsOptions, tlsParametersOf } from "../tls/parameters.ts";
import { HttpListener } from "./listener.ts";
import type { HttpListenerOptions } from "./listener_options.ts";

/**
 * `node:https` of Deno 2.6 agrees to HTTP/2 whatever ALPN it is told to offer, and loses the authority of
 * its requests (seen with 2.6.8).
 */
const SPEAKS_ITS_OWN_HTTP2 = Deno.version.deno.startsWith("2.6.");
const HTTP1_ALPN = "http/1.1";

/**
 * Binds what an `http:` URL says, or an `https:` URL with `?cert=FILE&key=FILE[&clientCa=FILE]`
 *
 * @throws {TransportError} when the address cannot be bound, or a file cannot be used; TLS under Deno 2.6
 */
export async function bindHttp(
  url: URL,
  options: HttpListenerOptions = {},
): Promise<HttpListener> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:") {
    return await HttpListener.bind(hostname, Number(url.port || 80), options);
  }
  if (SPEAKS_ITS_OWN_HTTP2) {
    const where = `${hostname}:${url.port || 443}`;
    throw new TransportError(`Cannot listen on ${where}: Deno 2.6 has no usable HTTPS; use 2.9.6`);
  }
  const hasHttp2 = (options.http2 ?? true) && await canServeHttp2();
  const alpn = hasHttp2 ? [HTTP2_ALPN, HTTP1_ALPN] : [HTTP1_ALPN];
  const tls = await serverTlsOptions(tlsParametersOf(url), alpn);
  return await HttpListener.bind(hostname, Number(url.port || 443), { ...options, tls });
}
