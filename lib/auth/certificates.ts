/**
 * Clients that are known by the certificate of their TLS connection.
 *
 * @module
 */
import type { TlsIdentity } from "../core/connection.ts";
import type { Identity } from "../core/identity.ts";

/** A client, and how its certificate is recognised: by everything that is given here. */
export interface CertificateClient {
  /** Common name of the subject. */
  readonly commonName?: string;
  /** Subject alternative name: `DNS:name`, `email:address`, `URI:uri`, `IP:address`. */
  readonly altName?: string;
  /** SHA-256 of the certificate, hexadecimal pairs with colons. */
  readonly fingerprint?: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly tier?: string;
}

interface Known {
  readonly client: CertificateClient;
  readonly name: string;
  readonly grants: Pick<Identity, "scopes" | "roles" | "tier">;
}

/** All such clients. */
export class Certificates {
  readonly #known: readonly Known[];
  /** Asked once for a connection: a client is what its certificate was when it connected. */
  readonly #remembered = new WeakMap<TlsIdentity, Identity>();

  constructor(clients: Readonly<Record<string, CertificateClient>>) {
    this.#known = Object.entries(clients).map(([name, client]) => {
      const { scopes, roles, tier } = client;
      const grants = { scopes: new Set(scopes), roles: new Set(roles), ...(tier && { tier }) };
      return { client, name, grants };
    });
  }

  /** The first client whose certificate this is; anybody with a trusted one where none is named. */
  identify(tls: TlsIdentity): Identity | undefined {
    let identity = this.#remembered.get(tls);
    if (identity === undefined) {
      identity = this.#identify(tls);
      if (identity !== undefined) this.#remembered.set(tls, identity);
    }
    const { expiresAtMs = Infinity } = tls;
    return Date.now() < expiresAtMs ? identity : undefined;
  }

  #identify(tls: TlsIdentity): Identity | undefined {
    const { fingerprint256, commonName, altNames, expiresAtMs } = tls;
    const expiry = expiresAtMs === undefined ? {} : { expiresAtMs };
    if (this.#known.length === 0) {
      const name = commonName ?? altNames[0] ?? fingerprint256;
      const principal = `certificate:${fingerprint256}`;
      return { proof: "mtls", principal, name, scopes: NONE, roles: NONE, ...expiry };
    }
    const known = this.#known.find(({ client }) => fits(client, tls));
    if (known === undefined) return undefined;
    const { name, grants } = known;
    return { proof: "mtls", principal: `certificate:${name}`, name, ...grants, ...expiry };
  }
}

function fits({ commonName, altName, fingerprint }: CertificateClient, tls: TlsIdentity): boolean {
  return (commonName === undefined || commonName === tls.commonName) &&
    (altName === undefined || tls.altNames.includes(altName)) &&
    (fingerprint === undefined || fingerprint.toUpperCase() === tls.fingerprint256);
}

const NONE: ReadonlySet<string> = new Set();
