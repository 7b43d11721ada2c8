/**
 * A request of HTTP/2 as the head of one of HTTP/1.1, for the parser and the checks that all requests go
 * through.
 *
 * @module
 */

/** The head, and how the body follows it. */
export interface RequestHead {
  /** One character for each byte. */
  readonly text: string;
  /** The body's length is not known beforehand. */
  readonly isChunked: boolean;
}

/** Deno puts scheme, authority and path together as they came, with a scheme of its own where no authority is. */
const TARGET = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[\x21-\x7e]*)$/i;
const NO_AUTHORITY = "http+unix";
/** Fields that are about one connection of HTTP/1.1 (RFC 9113, 8.2.2), and those that are written anew here. */
const DROPPED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
]);
const LENGTH = /^\d{1,15}$/;
const BREAKS_LINE = /[\0\r\n]/;

/** The head of a request; `undefined` when it cannot be one, or could be read in two ways. */
export function requestHead(request: Request): RequestHead | undefined {
  const target = TARGET.exec(request.url);
  if (target === null) return undefined;
  const [, scheme, authority, path] = target;
  const { headers } = request;
  const host = headers.get("host");
  const isNamed = scheme !== NO_AUTHORITY;
  if (isNamed && host !== null && host !== authority) return undefined;
  const name = isNamed ? authority : host;
  const fields = fieldsOf(headers);
  const framing = framingOf(request);
  if (fields === undefined || framing === undefined) return undefined;
  const hostField = name === null ? "" : `host: ${name}\r\n`; // without: refused like any such request
  return {
    text: `${request.method} ${path} HTTP/1.1\r\n${hostField}${fields}${framing}${END}`,
    isChunked: framing === CHUNKED,
  };
}

const CHUNKED = "transfer-encoding: chunked\r\n";
/** Each stream gets a connection of its own, as cheap as keeping one: no state passes between requests. */
const END = "connection: close\r\n\r\n";

/** hyper lets no line break into a value; nothing may hang on that alone. */
function fieldsOf(headers: Headers): string | undefined {
  let text = "";
  for (const [name, value] of headers) {
    if (BREAKS_LINE.test(value)) return undefined;
    if (!DROPPED.has(name)) text += `${name}: ${value}\r\n`;
  }
  return text;
}

function framingOf({ body, headers }: Request): string | undefined {
  if (body === null) return "";
  const length = headers.get("content-length");
  if (length === null) return CHUNKED;
  return LENGTH.test(length) ? `content-length: ${length}\r\n` : undefined;
}
