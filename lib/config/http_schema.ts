/**
 * Settings of HTTP listeners.
 *
 * @module
 */
import { isIP } from "node:net";
import { z } from "zod";
import { COMPRESSIONS } from "./choices.ts";
import { DEFAULTS } from "./defaults.ts";
import { about, bytes, count, ms } from "./schema_parts.ts";

const D = DEFAULTS.http;

const host = z.string().regex(/^(\*|(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?)$/, {
  error: "is not a host; give a host or host:port",
});

const origin = z.string().regex(/^(\*|[a-z][a-z0-9+.-]*:\/\/[^\/\s@?#]+)$/i, {
  error: "is not an origin; give scheme://host or scheme://host:port",
});

/** An address or a network. */
export const network = z.string().refine(isNetwork, {
  error: "is not a network; give an address or address/bits",
});

function isNetwork(text: string): boolean {
  const [address, bits = "0", ...more] = text.split("/");
  const bitsMax = isIP(address) === 6 ? 128 : 32;
  return isIP(address) !== 0 && !address.includes("%") && more.length === 0 &&
    /^\d{1,3}$/.test(bits) &&
    Number(bits) <= bitsMax;
}

/** `sluice.http`. */
export const http = z.strictObject({
  allowedHosts: about(z.array(host).default([...D.allowedHosts]), {
    description: "Host headers answered besides those of the listener itself; * answers any",
    unit: "host or host:port",
  }),
  allowedOrigins: about(z.array(origin).default([...D.allowedOrigins]), {
    description: "Origin headers answered besides those of the listener itself; * answers any",
    unit: "scheme://host[:port]",
  }),
  tlsHandshakeMs: ms(D.tlsHandshakeMs, "time for a TLS handshake"),
  headersMs: ms(D.headersMs, "time for the headers of a request"),
  bodyMs: ms(D.bodyMs, "time for the body of a request"),
  keepAliveMs: ms(D.keepAliveMs, "an idle connection is closed after so long"),
  heartbeatMs: count(
    100,
    3_600_000,
    D.heartbeatMs,
    "streams, late answers and WebSockets carry a sign of life after so long a silence; at most half of what a proxy in front allows",
    "ms",
  ),
  headerFieldsMax: count(
    8,
    10_000,
    D.headerFieldsMax,
    "header fields of one request",
    "fields",
  ),
  headerBytesMax: bytes(1024, D.headerBytesMax, "all headers of one request together"),
  bodyBudgetBytes: bytes(
    65_536,
    D.bodyBudgetBytes,
    "request bodies being read, together; more of them wait, at most 10 s",
  ),
  compression: about(z.enum(COMPRESSIONS).default(D.compression), {
    description:
      "answers of 1 KiB and more are compressed for clients that take it; auto is for all but clients on this machine",
  }),
  trustedProxies: about(z.array(network).default([...D.trustedProxies]), {
    description: "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    unit: "address or network",
  }),
  redirectToHttps: about(z.boolean().default(D.redirectToHttps), {
    description: "http listeners send every request to the first https listener (308)",
  }),
});
