/**
 * Authentication and access rules, made from the configuration. Nothing of it is loaded where nothing is asked.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admit } from "../../lib/core/admission.ts";
import type { Endpoint } from "../../lib/core/connection.ts";
import { ConfigError, SluiceError } from "../../lib/core/errors.ts";
import type { Proof } from "../../lib/core/identity.ts";
import type { SecurityEvents } from "../../lib/core/security_event.ts";
import type { Introspection } from "../../lib/auth/introspection.ts";
import type { JwtVerifier } from "../../lib/auth/jwt.ts";
import { audiencesOf, ResourceServer } from "../../lib/auth/resource_server.ts";
import { REVOCATION_BYTES_MAX, Revocations } from "../../lib/auth/revocations.ts";
import { proofsAt } from "../../lib/config/auth_config.ts";
import type { ProofName } from "../../lib/config/auth_schema.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { HttpListener } from "../../transports/http/listener.ts";
import { answer } from "../../transports/http/refusal.ts";

/** Who may come in. */
export interface Authentication extends AsyncDisposable {
  /** The check of a listener; `undefined` where nothing is asked. */
  admissionAt(endpoint: Endpoint): Admit | undefined;
  /** What clients are told of tokens. */
  readonly resource: ResourceServer;
  /** Takes the keys of another configuration. */
  configure(config: GatewayConfig): void;
  /** Answers on a port what clients ask about tokens. */
  describe(port: HttpListener): void;
}

/** What authentication works with. */
export interface AuthenticationParts {
  readonly config: GatewayConfig;
  readonly registry: Registry;
  readonly log: RootLogger;
  readonly report: SecurityEvents;
}

const PROOFS: Readonly<Record<ProofName, Proof>> = {
  none: "none",
  apiKey: "api_key",
  jwt: "jwt",
  introspection: "opaque",
  certificate: "mtls",
};

/**
 * Makes what finds out who clients are.
 *
 * @throws {SluiceError} a secret that is not there, or a list of revoked tokens that cannot be read
 */
export async function createAuthentication(parts: AuthenticationParts): Promise<Authentication> {
  const { config, registry, report } = parts;
  const { auth } = config;
  const owned: Disposable[] = [];
  const resource = resourceServer(config);
  const { ApiKeys } = await import("../../lib/auth/api_keys.ts");
  const { Certificates } = await import("../../lib/auth/certificates.ts");
  const { Authenticator } = await import("../../lib/auth/authenticator.ts");
  const judged = registry.counter({
    name: "sluice_authentications_total",
    help: "Requests and connections whose client was asked who it is.",
    labels: ["proof", "outcome"],
  });
  const authenticator = new Authenticator({
    resource,
    keys: new ApiKeys(auth.clients),
    certificates: new Certificates(auth.certificates),
    jwt: await jwtVerifier(parts, owned, () => authenticator.forget()),
    introspections: await introspections(parts),
    introspectionMs: auth.introspectionMs,
    report,
    onJudged: (proof, outcome) => judged.with({ proof, outcome }).inc(),
  });
  return {
    resource,
    admissionAt(endpoint) {
      const proofs = new Set(proofsAt(auth, endpoint).map((name) => PROOFS[name]));
      const isOpen = proofs.size === 1 && proofs.has("none");
      return isOpen ? undefined : authenticator.admission(proofs);
    },
    configure: (next) => authenticator.exchangeKeys(new ApiKeys(next.auth.clients)),
    describe(port) {
      for (const [path, endpoint] of resource.metadataPaths) {
        port.route(path, (req, res) => answerMetadata(req, res, resource, endpoint));
      }
    },
    [Symbol.asyncDispose]() {
      for (const part of owned) part[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** Public: whoever has no token yet has to read it. */
function answerMetadata(
  req: IncomingMessage,
  res: ServerResponse,
  resource: ResourceServer,
  endpoint: string,
): void {
  if (req.method !== "GET" && req.method !== "HEAD") {
    res.setHeader("allow", "GET, HEAD");
    return answer(req, res, 405, ["content-length", "0"], new Uint8Array(0));
  }
  const document = resource.metadata(endpoint, req.headers.host ?? "");
  const body = new TextEncoder().encode(JSON.stringify(document));
  const headers = ["content-type", "application/json", "cache-control", "max-age=3600"];
  answer(req, res, 200, [...headers, "content-length", String(body.length)], body);
}

function resourceServer({ auth, listen }: GatewayConfig): ResourceServer {
  const issuers = [...Object.values(auth.issuers), ...Object.values(auth.introspection)]
    .map(({ issuer }) => issuer);
  const http = listen.filter(({ url }) => /^https?:$/.test(url.protocol));
  return new ResourceServer({
    publicUrl: auth.publicUrl,
    isSecure: http.every(({ url }) => url.protocol === "https:"),
    authorizationServers: [...new Set(issuers)],
    scopes: auth.scopes,
  });
}

async function jwtVerifier(
  { config: { auth }, log }: AuthenticationParts,
  owned: Disposable[],
  onKeysChanged: () => void,
): Promise<JwtVerifier | undefined> {
  const issuers = Object.values(auth.issuers);
  if (issuers.length === 0) return undefined;
  const { JwtVerifier } = await import("../../lib/auth/jwt.ts");
  const logger = log.child("auth");
  const revocations = await revocationList(auth, (reason) => {
    logger.warn("revoked tokens cannot be read", { reason });
  });
  const verifier = new JwtVerifier({
    issuers,
    audiences: [...audiencesOf(auth.publicUrl), ...auth.audience],
    clockSkewMs: auth.clockSkewMs,
    staleMs: auth.jwksStaleMs,
    revocations,
    onKeysChanged() {
      logger.info("an issuer has other keys");
      onKeysChanged();
    },
    onKeysFailed: (issuer, reason) => logger.warn("keys cannot be fetched", { issuer, reason }),
  });
  owned.push(verifier, ...revocations === undefined ? [] : [revocations]);
  return verifier;
}

async function revocationList(
  { revocations: place, revocationsMs }: GatewayConfig["auth"],
  onFailed: (reason: string) => void,
): Promise<Revocations | undefined> {
  if (place === "") return undefined;
  const isUrl = /^https?:/.test(place);
  const { fetchBytes } = await import("../../lib/auth/fetch_bytes.ts");
  const read = isUrl
    ? () => fetchBytes(new URL(place), { bytesMax: REVOCATION_BYTES_MAX })
    : () => readFile(place);
  const revocations = new Revocations({ read, refreshMs: revocationsMs, onFailed });
  try {
    await revocations.ready();
  } catch {
    if (isUrl) return revocations; // tokens are refused until it is there
    revocations[Symbol.dispose]();
    throw new SluiceError(`Cannot read revoked tokens: ${place} is not to be read`);
  }
  return revocations;
}

async function readFile(path: string): Promise<Uint8Array> {
  const { size } = await Deno.stat(path);
  if (size > REVOCATION_BYTES_MAX) throw new SluiceError(`Cannot read ${path}: it is too large`);
  return await Deno.readFile(path);
}

async function introspections(
  { config: { auth }, log }: AuthenticationParts,
): Promise<Introspection[]> {
  const servers = Object.entries(auth.introspection);
  if (servers.length === 0) return [];
  const { Introspection } = await import("../../lib/auth/introspection.ts");
  const logger = log.child("auth");
  return servers.map(([name, server]) => {
    const clientSecret = Deno.env.get(server.clientSecretEnv);
    if (clientSecret === undefined) {
      throw new ConfigError(
        `Cannot ask ${name} about tokens: the variable ${server.clientSecretEnv} is not set`,
        "set it to the secret of the gateway there",
      );
    }
    return new Introspection({
      ...server,
      clientSecret,
      audiences: [...audiencesOf(auth.publicUrl), ...auth.audience],
      clockSkewMs: auth.clockSkewMs,
      onFailed: (reason) => logger.warn("a token cannot be judged", { server: name, reason }),
    });
  });
}
