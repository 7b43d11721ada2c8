/**
 * How each listener lets clients prove who they are, and whether that can work.
 *
 * @module
 */
import type { Endpoint } from "../core/connection.ts";
import type { ProofName } from "./auth_schema.ts";
import { redactUrl } from "./endpoints.ts";
import { fileFault, keyText, type Place } from "./fault.ts";
import type { Settings } from "./schema.ts";

type Auth = Readonly<Settings["auth"]>;

/** In what ways clients of a listener may prove who they are. */
export function proofsAt(auth: Auth, endpoint: Endpoint): readonly ProofName[] {
  const { url } = endpoint;
  const said = Object.entries(auth.listeners).find(([key]) => isAddressOf(key, url));
  if (said !== undefined) return said[1];
  if (url.protocol === "stdio:" || url.protocol === "unix:") return NONE;
  const configured = proofsConfigured(auth);
  if (configured.length === 0) return NONE;
  const all: readonly ProofName[] = url.protocol === "tls:" ? ["certificate"] : configured; // else there is nothing
  return all.filter((proof) => isPossible(proof, endpoint));
}

/** Whether clients of a listener need not prove anything. */
export function isOpen(auth: Auth, endpoint: Endpoint): boolean {
  return proofsAt(auth, endpoint).includes("none");
}

/** One line for each listener that asks for a proof. */
export function authenticationLines(auth: Auth, listen: readonly Endpoint[]): string[] {
  return listen.flatMap((endpoint) => {
    const proofs = proofsAt(auth, endpoint);
    if (proofs.length === 1 && proofs[0] === "none") return [];
    return [`${redactUrl(endpoint.url.href)} takes ${proofs.map((one) => WORDS[one]).join(", ")}`];
  });
}

/**
 * Refuses what would let nobody in, or everybody where the configuration asks for proof.
 *
 * @param place where a key stands
 * @throws {ConfigError}
 */
export function checkAuth(
  auth: Auth,
  listen: readonly Endpoint[],
  place: (path: readonly string[]) => Place,
): void {
  const fault = (path: readonly string[], why: string, advice: string) =>
    fileFault(`${keyText(["sluice", ...path])} ${why}`, advice, place(["sluice", ...path]));
  const takesTokens = [auth.issuers, auth.introspection].some((map) => Object.keys(map).length > 0);
  if (takesTokens && auth.publicUrl === "" && auth.audience.length === 0) {
    const advice = "give auth.publicUrl, the address that clients use, or auth.audience";
    throw fault(["auth"], "takes tokens but does not say for whom they must be", advice);
  }
  for (const [key, proofs] of Object.entries(auth.listeners)) {
    const endpoint = listen.find(({ url }) => isAddressOf(key, url));
    const path = ["auth", "listeners", key];
    if (endpoint === undefined) throw fault(path, "is no listener", "name one as listen does");
    const configured = proofsConfigured(auth);
    const odd = proofs.find((proof) =>
      proof !== "none" &&
      (!isPossible(proof, endpoint) || (proof !== "certificate" && !configured.includes(proof)))
    );
    if (odd === undefined) continue;
    const why = isPossible(odd, endpoint) ? "which is not set up" : "which it cannot carry";
    throw fault(path, `asks for ${WORDS[odd]}, ${why}`, "correct it, or leave it out");
  }
  for (const endpoint of listen) {
    if (proofsAt(auth, endpoint).length > 0) continue;
    const shown = redactUrl(endpoint.url.href);
    throw fault(
      ["auth"],
      `asks clients to prove who they are, which those of ${shown} cannot`,
      `add ?clientCa= to it, or write "${shown}": ["none"] under auth.listeners`,
    );
  }
}

type Guards = Readonly<Pick<Settings, "auth" | "access">>;

/** What of both can be exchanged while the gateway runs: keys and rules, unless there were none, or shall be none. */
export function liveGuards(running: Guards, wanted: Guards): Guards {
  const areBoth = (of: (guards: Guards) => object) =>
    [running, wanted].every((guards) => Object.keys(of(guards)).length > 0);
  const { clients } = areBoth(({ auth }) => auth.clients) ? wanted.auth : running.auth;
  return {
    auth: clients === running.auth.clients
      ? running.auth
      : Object.freeze({ ...running.auth, clients }),
    access: areBoth(({ access }) => access.rules) ? wanted.access : running.access,
  };
}

/** Whether a difference at a path is one of these. */
export function isLiveGuard(path: string, running: Guards, wanted: Guards): boolean {
  const live = liveGuards(running, wanted);
  if (path.startsWith("auth.clients")) return live.auth.clients === wanted.auth.clients;
  return path.startsWith("access.") && live.access === wanted.access;
}

function proofsConfigured(auth: Auth): readonly ProofName[] {
  const has = (map: object) => Object.keys(map).length > 0;
  return [
    ...has(auth.clients) ? ["apiKey"] as const : [],
    ...has(auth.issuers) ? ["jwt"] as const : [],
    ...has(auth.introspection) ? ["introspection"] as const : [],
    ...has(auth.certificates) ? ["certificate"] as const : [],
  ];
}

function isPossible(proof: ProofName, { url }: Endpoint): boolean {
  const isHttp = /^https?:$/.test(url.protocol);
  return proof === "certificate" ? url.searchParams.has("clientCa") : isHttp;
}

function isAddressOf(text: string, url: URL): boolean {
  if (!URL.canParse(text)) return false;
  const named = new URL(text);
  return named.href === url.href ||
    (named.search === "" && named.href === url.href.replace(/\?.*$/s, ""));
}

const NONE: readonly ProofName[] = ["none"];
const WORDS: Readonly<Record<ProofName, string>> = {
  none: "anybody",
  apiKey: "API keys",
  jwt: "tokens of known issuers",
  introspection: "tokens that their server vouches for",
  certificate: "client certificates",
};
