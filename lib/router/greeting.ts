/**
 * What several servers behind one endpoint say of themselves, before any of them has been asked.
 *
 * @module
 */
import { result } from "../core/compose.ts";
import {
  isLegacyVersion,
  LATEST_LEGACY_VERSION,
  META_PREFIX,
  MODERN_VERSIONS,
} from "../core/eras.ts";
import type { Message } from "../core/message.ts";

/** Everything that a server may have: which of it these have shows in their lists, as they come. */
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** Marks a result of the era without handshake as good for this answer only. */
export const FOR_NOW = { resultType: "complete", ttlMs: 0, cacheScope: "private" } as const;

/** The `_meta` of such a result. */
export function serverMeta(version: string) {
  return { [`${META_PREFIX}serverInfo`]: { name: "sluice", version } };
}

/** The answer to `initialize`. */
export function initializeAnswer(message: Message, version: string): Message {
  const asked = message.json().params?.protocolVersion;
  return result(message.id!, {
    protocolVersion: isLegacyVersion(asked) ? asked : LATEST_LEGACY_VERSION,
    capabilities: CAPABILITIES,
    serverInfo: { name: "sluice", version },
  });
}

/** The answer to `server/discover`. */
export function discoverAnswer(message: Message, version: string): Message {
  return result(message.id!, {
    ...FOR_NOW,
    supportedVersions: MODERN_VERSIONS,
    capabilities: CAPABILITIES,
    _meta: serverMeta(version),
  });
}

/** RFC 5424, as MCP has them. */
const LOG_LEVELS: readonly unknown[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

/** Whether a value names a log level. */
export function isLogLevel(value: unknown): boolean {
  return LOG_LEVELS.includes(value);
}
