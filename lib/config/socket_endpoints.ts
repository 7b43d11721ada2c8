/**
 * What the addresses of byte streams may say: `tcp:`, `tls:` and `unix:`, as listener and as upstream.
 *
 * @module
 */
import { urlParameters } from "../core/url_parameters.ts";

/** What is wrong with an address, and what to do; `undefined` when nothing is. */
export type Problem = readonly [why: string, advice: string] | undefined;

/** Parameters of a listener with TLS. */
export const TLS_LISTENER_PARAMETERS = ["cert", "key", "clientCa"] as const;
/** Parameters of an upstream with TLS. */
export const TLS_UPSTREAM_PARAMETERS = ["cert", "key", "ca", "pin"] as const;

const FRAMING_PARAMETERS = ["framing", "compress"];
/** Without TLS: frames are sealed with the keys of a file. */
const SEALING_PARAMETERS = ["key"];
/** Every parameter that an address of a byte stream may have. */
export const SOCKET_PARAMETERS: readonly string[] = [
  ...FRAMING_PARAMETERS,
  ...TLS_LISTENER_PARAMETERS,
  ...TLS_UPSTREAM_PARAMETERS,
];

const PIN = /^sha256\/[A-Za-z0-9+\/]{43}=$/;

type Parameters = ReturnType<typeof urlParameters>;

/** Checks `tcp://HOST:PORT`, `tls://HOST:PORT?cert=FILE&key=FILE` and `unix:///PATH` to listen on. */
export function checkSocketListener(url: URL): Problem {
  return placeProblem(url) ?? checkParameters(url, TLS_LISTENER_PARAMETERS, listenerTlsProblem);
}

/** Checks `tcp://HOST:PORT`, `tls://HOST:PORT` and `unix:///PATH` to dial. */
export function checkSocketUpstream(url: URL): Problem {
  if (url.port === "0") return ["port 0 cannot be dialled", "name the port of the server"];
  return placeProblem(url) ?? checkParameters(url, TLS_UPSTREAM_PARAMETERS, upstreamTlsProblem);
}

/** What a listener's parameters for TLS lack. */
export function listenerTlsProblem(parameters: Parameters): Problem {
  const has = (name: string) => parameters.some(([known]) => known === name);
  if (!has("cert") || !has("key")) {
    return ["a TLS listener needs a certificate and its key", "add ?cert=FILE&key=FILE"];
  }
}

/** What an upstream's parameters for TLS get wrong. */
export function upstreamTlsProblem(parameters: Parameters): Problem {
  const has = (name: string) => parameters.some(([known]) => known === name);
  if (has("cert") !== has("key")) {
    return ["a certificate and its key belong together", "give both cert and key"];
  }
  if (parameters.some(([name, value]) => name === "pin" && !PIN.test(value))) {
    return ["a pin is the SHA-256 of a public key", "write pin=sha256/ and 44 letters of base64"];
  }
}

function placeProblem(url: URL): Problem {
  const scheme = url.protocol.slice(0, -1);
  if (url.hash !== "") return ["it has a fragment", "leave out what begins with #"];
  if (scheme === "unix") {
    if (Deno.build.os === "windows") return ["Windows has no unix sockets", "use tcp://HOST:PORT"];
    const isPath = url.host === "" && url.pathname.startsWith("/") && url.pathname.length > 1;
    return isPath ? undefined : ["it names no file by its full path", "write unix:///PATH"];
  }
  const advice = `write ${scheme}://HOST:PORT`;
  if (url.username !== "" || url.password !== "") return ["byte streams have no user", advice];
  if (url.hostname === "" || url.port === "") return ["it names no host and port", advice];
  if (url.pathname !== "" && url.pathname !== "/") return ["byte streams have no path", advice];
}

function checkParameters(
  url: URL,
  forTls: readonly string[],
  tlsProblem: (parameters: Parameters) => Problem,
): Problem {
  let parameters: Parameters;
  try {
    parameters = urlParameters(url);
  } catch {
    return ["a % in its parameters begins nothing", "write %25 for a % itself"];
  }
  const isSecure = url.protocol === "tls:";
  const known = [...FRAMING_PARAMETERS, ...(isSecure ? forTls : SEALING_PARAMETERS)];
  const names = parameters.map(([name]) => name);
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined) {
    return [`${strange} is no parameter of it`, `known are ${known.join(", ")}`];
  }
  const twice = names.find((name, at) => name !== "pin" && names.indexOf(name) !== at);
  if (twice !== undefined) return [`${twice} stands there twice`, "keep one of them"];
  const empty = parameters.find(([, value]) => value === "");
  if (empty !== undefined) return [`${empty[0]} has no value`, `write ${empty[0]}=...`];
  return framingProblem(parameters) ??
    (isSecure ? tlsProblem(parameters) : sealingProblem(parameters));
}

function sealingProblem(parameters: Parameters): Problem {
  const { framing, key } = Object.fromEntries(parameters);
  if (key === undefined || framing === "length") return undefined;
  return ["lines are not sealed", "use framing=length&key=FILE"];
}

function framingProblem(parameters: Parameters): Problem {
  const { framing = "newline", compress = "off" } = Object.fromEntries(parameters);
  if (framing !== "newline" && framing !== "length") {
    return [`there is no framing ${framing}`, "use framing=newline or framing=length"];
  }
  if (compress !== "off" && compress !== "auto") {
    return [`there is no compress=${compress}`, "use compress=auto or compress=off"];
  }
  if (compress === "auto" && framing !== "length") {
    return ["lines are not compressed", "use framing=length&compress=auto"];
  }
}
