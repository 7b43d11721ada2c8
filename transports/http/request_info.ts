/**
 * What is known of a request by its head and its connection, and the check of who it is from.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Admit } from "../../lib/core/admission.ts";
import type { RequestInfo } from "../../lib/core/connection.ts";
import { type GatewayError, toGatewayError } from "../../lib/core/errors.ts";
import type { Identity } from "../../lib/core/identity.ts";
import { tlsIdentityOf } from "./tls_identity.ts";
import { isForwardingHeader, type TrustedProxies } from "./trusted_proxies.ts";

/** Headers of which `node:http` shows only the first when there are several: a proxy before us may see the last. */
const PROVING: ReadonlySet<string> = new Set(["authorization"]);

/** Header of a request by lower-case name; those that only trusted proxies may send, from those only. */
export function headerOf(
  req: IncomingMessage,
  proxies: TrustedProxies,
  name: string,
): string | undefined {
  if (isForwardingHeader(name) && !proxies.isBehind(req)) return undefined;
  if (PROVING.has(name)) return allOf(req, name);
  const value = req.headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}

function allOf(req: IncomingMessage, name: string): string | undefined {
  const first = req.headers[name];
  if (first === undefined) return undefined;
  const { rawHeaders } = req;
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i];
    if (raw.length === name.length && raw.toLowerCase() === name) values.push(rawHeaders[i + 1]);
  }
  return values.length > 1 ? values.join(", ") : first as string;
}

/** The same as of any other request, for connections that begin with one. */
export function requestInfoOf(
  req: IncomingMessage,
  proxies: TrustedProxies,
  transport: string,
): RequestInfo {
  const tls = tlsIdentityOf(req);
  return {
    transport,
    address: proxies.clientAndPort(req),
    ...(tls === undefined ? {} : { tls }),
    header: (name) => headerOf(req, proxies, name),
  };
}

/**
 * Goes on with who a request is from: at once where that is known, and where nobody asks.
 *
 * @param refuse takes the reason where it goes no further
 */
export function admitted(
  admit: Admit | undefined,
  request: RequestInfo,
  goOn: (identity: Identity | undefined) => void,
  refuse: (error: GatewayError) => void,
): void {
  if (admit === undefined) return goOn(undefined);
  let identity: Identity | Promise<Identity>;
  try {
    identity = admit(request);
  } catch (error) {
    return refuse(toGatewayError(error));
  }
  if (identity instanceof Promise) identity.then(goOn, (error) => refuse(toGatewayError(error)));
  else goOn(identity);
}
