/**
 * MCP methods as label values. A method comes from a peer, so only known ones become labels.
 *
 * @module
 */
import { OVERFLOW_LABEL } from "./metric_family.ts";

/**
 * Requests and notifications of every protocol version, 2024-11-05 to 2026-07-28.
 * Source: `schema/<version>/schema.ts` of modelcontextprotocol/modelcontextprotocol.
 */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "completion/complete",
  "elicitation/create",
  "initialize",
  "logging/setLevel",
  "notifications/cancelled",
  "notifications/elicitation/complete",
  "notifications/initialized",
  "notifications/message",
  "notifications/progress",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
  "notifications/resources/updated",
  "notifications/roots/list_changed",
  "notifications/subscriptions/acknowledged",
  "notifications/tasks/status",
  "notifications/tools/list_changed",
  "ping",
  "prompts/get",
  "prompts/list",
  "resources/list",
  "resources/read",
  "resources/subscribe",
  "resources/templates/list",
  "resources/unsubscribe",
  "roots/list",
  "sampling/createMessage",
  "server/discover",
  "subscriptions/listen",
  "tasks/cancel",
  "tasks/get",
  "tasks/list",
  "tasks/result",
  "tools/call",
  "tools/list",
]);

/** The method itself when MCP defines it, else `other`. */
export function methodLabel(method: string | undefined): string {
  return method !== undefined && KNOWN_METHODS.has(method) ? method : OVERFLOW_LABEL;
}
