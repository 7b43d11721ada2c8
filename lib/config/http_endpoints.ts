/**
 * What the addresses of HTTP may say, as listener and as upstream; WebSocket and HTTP+SSE upstreams
 * included.
 *
 * @module
 */
import { isTlsParameter, urlParameters } from "../core/url_parameters.ts";
import {
  listenerTlsProblem,
  type Problem,
  TLS_LISTENER_PARAMETERS,
  upstreamTlsProblem,
} from "./socket_endpoints.ts";

/** Checks `http://HOST:PORT` to listen on. */
export function checkHttpListener(url: URL): Problem {
  const problem = placeProblem(url);
  if (problem !== undefined || url.search === "") return problem;
  return ["it has no parameters without TLS", "write http://HOST:PORT"];
}

/** Checks `https://HOST:PORT?cert=FILE&key=FILE[&clientCa=FILE]` to listen on. */
export function checkHttpsListener(url: URL): Problem {
  const parameters = parametersOf(url);
  if (parameters === undefined) return BAD_ESCAPE;
  const known: readonly string[] = TLS_LISTENER_PARAMETERS;
  const strange = parameters.find(([name]) => !known.includes(name));
  if (strange !== undefined) {
    return [`${strange[0]} is no parameter of it`, `known are ${known.join(", ")}`];
  }
  return placeProblem(url) ?? listenerTlsProblem(parameters);
}

/** Checks `http://...`, `sse+http://...` and `ws://...` to dial. */
export function checkHttpUpstream(url: URL): Problem {
  if (url.hostname === "") return ["it names no host", `write ${url.protocol}//HOST:PORT/PATH`];
  if (url.port === "0") return ["port 0 cannot be dialled", "name the port of the server"];
}

/** Checks the same with TLS; parameters that are not ours belong to the server. */
export function checkHttpsUpstream(url: URL): Problem {
  const parameters = parametersOf(url);
  if (parameters === undefined) return BAD_ESCAPE;
  const ours = parameters.filter(([name]) => isTlsParameter(url, name));
  return checkHttpUpstream(url) ?? upstreamTlsProblem(ours);
}

function placeProblem(url: URL): Problem {
  const advice = `write ${url.protocol}//HOST:PORT`;
  if (url.username !== "" || url.password !== "") return ["a listener has no credentials", advice];
  if (url.pathname !== "/" || url.hash !== "") {
    return ["a listener has a fixed set of paths (/mcp, ...)", advice];
  }
}

const BAD_ESCAPE = ["a % in its parameters begins nothing", "write %25 for a % itself"] as const;

function parametersOf(url: URL): ReturnType<typeof urlParameters> | undefined {
  try {
    return urlParameters(url);
  } catch {
    return undefined; // an escape that is none
  }
}
