/**
 * Protocol versions and the two eras they fall into.
 *
 * @module
 */
import { GatewayError } from "./errors.ts";

/** Versions with an `initialize` handshake and sessions, oldest first. */
export const LEGACY_VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] as const;

/** Versions without handshake and sessions. */
export const MODERN_VERSIONS = ["2026-07-28"] as const;

/** Newest version without handshake: what the gateway speaks when it asks a server itself. */
export const LATEST_MODERN_VERSION = MODERN_VERSIONS[MODERN_VERSIONS.length - 1];

/** With handshake and sessions, or without. */
export type Era = "legacy" | "modern";

/** Prefix of the protocol's own keys in `_meta`. */
export const META_PREFIX = "io.modelcontextprotocol/";

/** The one version with JSON-RPC batches. */
export const BATCH_VERSION = "2025-03-26";

/** Newest version with a handshake: what the gateway offers when it initializes a server itself. */
export const LATEST_LEGACY_VERSION = LEGACY_VERSIONS[LEGACY_VERSIONS.length - 1];

/** What an HTTP request without `MCP-Protocol-Version` speaks (transports, 2025-06-18 and later). */
export const ASSUMED_HTTP_VERSION = "2025-03-26";

/** Whether a version belongs to the era of handshakes. */
export function isLegacyVersion(version: string): boolean {
  return (LEGACY_VERSIONS as readonly string[]).includes(version);
}

/** Whether a version belongs to the era without sessions. */
export function isModernVersion(version: string): boolean {
  return (MODERN_VERSIONS as readonly string[]).includes(version);
}

/** The probe of clients that know the sessionless era. */
export const DISCOVER_METHOD = "server/discover";

/** The answer to the probe where it must fail: clients take any error as "speak the handshake". */
export function noDiscovery(): GatewayError {
  return new GatewayError(
    "MethodNotFound",
    "Cannot discover: this endpoint speaks the initialize handshake",
  );
}
