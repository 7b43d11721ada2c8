/**
 * The addresses this version can listen on and dial. A later transport adds its row here.
 *
 * @module
 */
import type { Command, Endpoint } from "../core/connection.ts";
import type { ConfigError } from "../core/errors.ts";
import { configFault, type Place } from "./fault.ts";
import {
  checkHttpListener,
  checkHttpsListener,
  checkHttpsUpstream,
  checkHttpUpstream,
} from "./http_endpoints.ts";
import {
  checkSocketListener,
  checkSocketUpstream,
  type Problem,
  SOCKET_PARAMETERS,
} from "./socket_endpoints.ts";

/** Says why an URL of a known scheme cannot be used. */
type Check = (url: URL) => Problem;

/** Native servers, `builtin:NAME`. */
export const BUILTINS = ["echo", "demo"] as const;

const LISTENERS: Readonly<Record<string, Check>> = {
  "http:": checkHttpListener,
  "https:": checkHttpsListener,
  "tcp:": checkSocketListener,
  "tls:": checkSocketListener,
  "unix:": checkSocketListener,
  "stdio:": checkStdio,
};
const LISTENERS_TEXT =
  "http://HOST:PORT, https://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio:";

const UPSTREAMS: Readonly<Record<string, Check>> = {
  "http:": checkHttpUpstream,
  "https:": checkHttpsUpstream,
  "sse+http:": checkHttpUpstream,
  "sse+https:": checkHttpsUpstream,
  "ws:": checkHttpUpstream,
  "wss:": checkHttpsUpstream,
  "tcp:": checkSocketUpstream,
  "tls:": checkSocketUpstream,
  "unix:": checkSocketUpstream,
  "builtin:": checkBuiltin,
};
const UPSTREAMS_TEXT = `http://, https://, sse+http://, ws://, wss://, tcp://, tls://, unix:///, ${
  BUILTINS.map((name) => `builtin:${name}`).join(", ")
} or a command after --`;

/**
 * Parses an URL to listen on. Port 0 asks the system for a free one.
 *
 * @throws {ConfigError} not an URL, a scheme that is not served, or parts that have no meaning
 */
export function parseListen(text: string, place?: Place): Endpoint {
  const url = parseUrl(text);
  const fail = (why: string, advice: string) =>
    refusal("Cannot listen on", text, why, advice, place);
  if (url === undefined) throw fail("it is not a URL", `write ${LISTENERS_TEXT}`);
  throwUnlessUsable(url, LISTENERS, LISTENERS_TEXT, fail);
  return { url: url.protocol === "stdio:" ? new URL("stdio:") : url };
}

/**
 * Parses the URL of an upstream.
 *
 * @throws {ConfigError} not an URL, a scheme that cannot be dialled, or credentials in the URL; the
 * message never holds the credentials
 */
export function parseUpstreamUrl(
  text: string,
  headers?: Readonly<Record<string, string>>,
  place?: Place,
): Endpoint {
  const url = parseUrl(text);
  const fail = (why: string, advice: string) =>
    refusal("Cannot use upstream", text, why, advice, place);
  if (url === undefined) throw fail("it is not a URL", `write ${UPSTREAMS_TEXT}`);
  if (url.username !== "" || url.password !== "") {
    throw fail("credentials in a URL end up in logs", "send them in a header, from a variable");
  }
  throwUnlessUsable(url, UPSTREAMS, UPSTREAMS_TEXT, fail);
  if (headers !== undefined && !/^(.*\+)?(http|ws)s?:$/.test(url.protocol)) {
    throw fail("only HTTP has headers", "leave them out");
  }
  url.hash = "";
  return headers === undefined ? { url } : { url, headers };
}

/** The endpoint of a child process. */
export function commandEndpoint(command: Command): Endpoint {
  return { url: new URL("stdio:"), command };
}

/**
 * Splits `NAME=URL`.
 *
 * @throws {ConfigError} no name, or a name with other characters than letters, digits, `_`, `.`, `-`
 */
export function splitNamed(text: string, place?: Place): { name: string; url: string } {
  const match = /^([A-Za-z0-9_.-]{1,64})=(.+)$/s.exec(text);
  if (match === null) {
    const why = "it has no name of letters, digits, _, . and -";
    throw refusal("Cannot use upstream", text, why, "write NAME=URL", place);
  }
  return { name: match[1], url: match[2] };
}

/** An URL fit for messages: no credentials, no values of the query, no fragment. */
export function redactUrl(text: string): string {
  const url = parseUrl(text);
  // `user:password@host` is an URL too, with the scheme `user`.
  if (url === undefined || url.host === "") {
    const known = text.includes("//") ? /\/\/.*@/s : /^.*@/s;
    return text.replace(known, (start) => start.startsWith("//") ? "//***@" : "***@")
      .replace(/=.*/s, "=***");
  }
  const hasCredentials = url.username !== "" || url.password !== "";
  if (!hasCredentials && url.search === "" && url.hash === "") return text;
  if (hasCredentials) [url.username, url.password] = ["***", ""];
  url.hash = "";
  const mask = BYTE_STREAMS.includes(url.protocol) ? maskUnknown : maskPair;
  return url.href.replace(/\?.*/s, (query) => query.replace(/([^?&=]+)(=[^&]*)?/g, mask));
}

/** An address for people, without its parameters: what `URL.origin` is only for schemes of the web. */
export function shortUrl(url: URL): string {
  return BYTE_STREAMS.includes(url.protocol) ? url.href.replace(/[?#].*$/s, "") : url.origin;
}

const BYTE_STREAMS: readonly string[] = ["tcp:", "tls:", "unix:"];

/** Framings and names of files are no secrets. */
function maskUnknown(pair: string, key: string, value: string | undefined): string {
  return SOCKET_PARAMETERS.includes(key) ? pair : maskPair(pair, key, value);
}

function maskPair(_pair: string, key: string, value: string | undefined): string {
  return value === undefined ? "***" : `${key}=***`;
}

/** Whether only this machine can reach a listener. */
export function isLoopback(endpoint: Endpoint): boolean {
  if (endpoint.url.protocol === "stdio:" || endpoint.url.protocol === "unix:") return true;
  const host = endpoint.url.hostname;
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function refusal(
  what: string,
  text: string,
  why: string,
  advice: string,
  place: Place,
): ConfigError {
  const shown = redactUrl(text);
  return configFault(
    `${what} ${shown.length > 200 ? `${shown.slice(0, 200)}...` : shown}`,
    why,
    advice,
    place,
  );
}

function throwUnlessUsable(
  url: URL,
  known: Readonly<Record<string, Check>>,
  supported: string,
  fail: (why: string, advice: string) => ConfigError,
): void {
  if (Object.hasOwn(known, url.protocol)) {
    const problem = known[url.protocol](url);
    if (problem !== undefined) throw fail(...problem);
    return;
  }
  const scheme = url.protocol.slice(0, -1);
  throw fail(`${scheme} is not a known scheme`, `use ${supported}`);
}

function checkStdio(url: URL): ReturnType<Check> {
  if (!/^stdio:(\/\/)?$/.test(url.href)) return ["stdio has no address", "write stdio:"];
}

function checkBuiltin(url: URL): ReturnType<Check> {
  if (!BUILTINS.some((name) => url.href === `builtin:${name}`)) {
    return [
      "there is no such builtin",
      `use ${BUILTINS.map((name) => `builtin:${name}`).join(" or ")}`,
    ];
  }
}
