/**
 * Turns the bytes of a method name into a string without decoding the well-known ones each time
 * (20 ns against 300 ns of `TextDecoder`).
 *
 * @module
 */

/** Every method of the specification, all eras. */
export const KNOWN_METHODS = [
  "initialize",
  "ping",
  "server/discover",
  "subscriptions/listen",
  "tools/list",
  "tools/call",
  "resources/list",
  "resources/read",
  "resources/templates/list",
  "resources/subscribe",
  "resources/unsubscribe",
  "prompts/list",
  "prompts/get",
  "completion/complete",
  "logging/setLevel",
  "sampling/createMessage",
  "elicitation/create",
  "roots/list",
  "tasks/get",
  "tasks/list",
  "tasks/result",
  "tasks/cancel",
  "tasks/update",
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/message",
  "notifications/tools/list_changed",
  "notifications/resources/list_changed",
  "notifications/resources/updated",
  "notifications/prompts/list_changed",
  "notifications/roots/list_changed",
  "notifications/elicitation/complete",
  "notifications/tasks/status",
  "notifications/subscriptions/acknowledged",
] as const;

interface Entry {
  readonly bytes: Uint8Array;
  readonly name: string;
}

const byHash = new Map<number, Entry[]>();
for (const name of KNOWN_METHODS) {
  const bytes = new TextEncoder().encode(name);
  const hash = hashOf(bytes, 0, bytes.length);
  byHash.set(hash, [...byHash.get(hash) ?? [], { bytes, name }]);
}

/** FNV-1a, 32 bit. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}

/** The well-known method that stands between two positions, if it is one. */
export function knownMethod(bytes: Uint8Array, start: number, end: number): string | undefined {
  const entries = byHash.get(hashOf(bytes, start, end));
  return entries?.find((entry) => matches(entry.bytes, bytes, start, end))?.name;
}

function matches(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    if (name[i] !== bytes[start + i]) return false;
  }
  return true;
}
