/**
 * Clients that are known by keys. A key has so many random bits that its plain SHA-256 can be stored.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Identity } from "../core/identity.ts";

/** A client, and what it may show. */
export interface KeyClient {
  /** Name to `sha256:` and 64 hexadecimal digits; several, so that one can be exchanged for another. */
  readonly keys: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly tier?: string;
}

interface Known {
  readonly digest: Uint8Array;
  readonly identity: Identity;
}

/** All keys of all clients. */
export class ApiKeys {
  /** By the digest in base64: whoever does not know a key cannot choose its digest, so looking it up tells nothing. */
  readonly #known = new Map<string, Known>();

  constructor(clients: Readonly<Record<string, KeyClient>>) {
    for (const [name, { keys, scopes, roles, tier }] of Object.entries(clients)) {
      const identity: Identity = {
        proof: "api_key",
        principal: `key:${name}`,
        name,
        scopes: new Set(scopes),
        roles: new Set(roles),
        ...(tier !== undefined && { tier }),
      };
      for (const text of Object.values(keys)) {
        const digest = Buffer.from(text.slice(PREFIX.length), "hex");
        this.#known.set(digest.toString("base64"), { digest, identity });
      }
    }
  }

  /** The client that has a key, by the digest of the key in base64. */
  identify(digest: string): Identity | undefined {
    const known = this.#known.get(digest);
    if (known === undefined) return undefined;
    return timingSafeEqual(known.digest, Buffer.from(digest, "base64"))
      ? known.identity
      : undefined;
  }
}

const PREFIX = "sha256:";
