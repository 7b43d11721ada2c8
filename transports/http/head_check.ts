/**
 * What `node:http` lets through although it should not: two Host headers, hundreds of fields
 * (`maxHeadersCount` is ignored by Deno 2.9.6), HTTP/1.0 with a transfer coding, a target that names
 * another host.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";
import type { HostCheck } from "./host_check.ts";

/** Most header fields of a request. */
export const HEADER_FIELDS_MAX = 100;
/** Most bytes of a request's line and header fields. */
export const HEADER_BYTES_MAX = 16 * 1024;

/** What a request's head is held against. */
export interface HeadRules {
  readonly hosts: HostCheck;
  readonly port: number;
  readonly fieldsMax: number;
}

/** Why the head of a request must be refused; `undefined` when it is fine. */
export function headProblem(req: IncomingMessage, rules: HeadRules): GatewayError | undefined {
  const raw = req.rawHeaders;
  if (raw.length > 2 * rules.fieldsMax) return tooManyFields();
  let host: string | undefined, origin: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name.length === 4 && name.toLowerCase() === "host") {
      if (host !== undefined) return malformed("two Host headers");
      host = raw[i + 1];
    } else if (name.length === 6 && name.toLowerCase() === "origin") {
      if (origin !== undefined) return malformed("two Origin headers");
      origin = raw[i + 1];
    }
  }
  if (host === undefined) return malformed("no Host header");
  if (req.url!.charCodeAt(0) !== 0x2f) return malformed("the target is not a path");
  if (req.httpVersionMinor === 0 && req.headers["transfer-encoding"] !== undefined) {
    return malformed("HTTP/1.0 has no Transfer-Encoding");
  }
  return hostProblem(req, rules, host, origin);
}

function hostProblem(
  req: IncomingMessage,
  rules: HeadRules,
  host: string,
  origin: string | undefined,
): GatewayError | undefined {
  const verdict = rules.hosts.host(host, () => req.socket.localAddress, rules.port);
  if (verdict === "malformed") return malformed("the Host header is not a host");
  if (verdict === "foreign") return foreign("Host");
  if (origin === undefined || rules.hosts.origin(origin, host) === "allowed") return undefined;
  return foreign("Origin");
}

function malformed(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot accept request: ${why}`, { fatal: true });
}

function tooManyFields(): GatewayError {
  return new GatewayError("InvalidRequest", "Cannot accept request: too many header fields", {
    status: 431,
    fatal: true,
  });
}

function foreign(header: string): GatewayError {
  return new GatewayError("PolicyDenied", `Cannot accept request: foreign ${header}`, {
    fatal: true,
  });
}
