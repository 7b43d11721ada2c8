/**
 * The addresses this version can listen on and dial. A later transport adds its row here.
 *
 * @module
 */
import type { Command, Endpoint } from "../core/connection.ts";
import type { ConfigError } from "../core/errors.ts";
import { configFault, type Place } from "./fault.ts";

/** Says why an URL of a known scheme cannot be used: what is wrong, and what to do. */
type Check = (url: URL) => readonly [why: string, advice: string] | undefined;

/** Native servers, `builtin:NAME`. */
export const BUILTINS = ["echo", "demo"] as const;

const LISTENERS: Readonly<Record<string, Check>> = {
  "http:": checkHttpListener,
  "stdio:": checkStdio,
};
const LISTENERS_LATER = ["https:", "tcp:", "tls:", "unix:"];
const LISTENERS_TEXT = "http://HOST:PORT or stdio:";

const UPSTREAMS: Readonly<Record<string, Check>> = {
  "http:": checkHttpUpstream,
  "https:": checkHttpUpstream,
  "builtin:": checkBuiltin,
};
const UPSTREAMS_LATER = ["sse+http:", "sse+https:", "ws:", "wss:", "tcp:", "tls:", "unix:"];
const UPSTREAMS_TEXT = `http://, https://, ${
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
  throwUnlessUsable(url, LISTENERS, LISTENERS_LATER, LISTENERS_TEXT, fail);
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
  throwUnlessUsable(url, UPSTREAMS, UPSTREAMS_LATER, UPSTREAMS_TEXT, fail);
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
  return url.href.replace(/\?.*/s, (query) => query.replace(/([^?&=]+)(=[^&]*)?/g, maskPair));
}

function maskPair(_pair: string, key: string, value: string | undefined): string {
  return value === undefined ? "***" : `${key}=***`;
}

/** Whether only this machine can reach a listener. */
export function isLoopback(endpoint: Endpoint): boolean {
  if (endpoint.url.protocol === "stdio:") return true;
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
  later: readonly string[],
  supported: string,
  fail: (why: string, advice: string) => ConfigError,
): void {
  if (Object.hasOwn(known, url.protocol)) {
    const problem = known[url.protocol](url);
    if (problem !== undefined) throw fail(...problem);
    return;
  }
  const scheme = url.protocol.slice(0, -1);
  const why = later.includes(url.protocol)
    ? `${scheme} comes with a later version`
    : `${scheme} is not a known scheme`;
  throw fail(why, `use ${supported}`);
}

function checkHttpListener(url: URL): ReturnType<Check> {
  if (url.username !== "" || url.password !== "") {
    return ["a listener has no credentials", "write http://HOST:PORT"];
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return ["a listener has a fixed set of paths (/mcp, ...)", "write http://HOST:PORT"];
  }
}

function checkStdio(url: URL): ReturnType<Check> {
  if (!/^stdio:(\/\/)?$/.test(url.href)) return ["stdio has no address", "write stdio:"];
}

function checkHttpUpstream(url: URL): ReturnType<Check> {
  if (url.port === "0") return ["port 0 cannot be dialled", "name the port of the server"];
}

function checkBuiltin(url: URL): ReturnType<Check> {
  if (!BUILTINS.some((name) => url.href === `builtin:${name}`)) {
    return [
      "there is no such builtin",
      `use ${BUILTINS.map((name) => `builtin:${name}`).join(" or ")}`,
    ];
  }
}
