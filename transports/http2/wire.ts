/**
 * What HTTP/2 looks like from outside, as far as we look.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Its name in a TLS handshake (RFC 9113, 3.3). */
export const HTTP2_ALPN = "h2";

/** What every client begins with (RFC 9113, 3.4). */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
