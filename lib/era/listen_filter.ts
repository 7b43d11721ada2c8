/**
 * Which notifications a client of the sessionless era wants on a listen stream.
 *
 * Source: MCP specification, basic/patterns/subscriptions, 2026-07-28.
 *
 * @module
 */
import { notification } from "../core/compose.ts";
import { META_PREFIX } from "../core/eras.ts";
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { RawObject } from "../core/raw_object.ts";
import { withParams } from "./protocol_meta.ts";

/** A filter of a listen stream, as it travels. */
export interface ListenFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
}

/** What a server with a handshake declared. */
interface ServerCapabilities {
  readonly tools?: { readonly listChanged?: boolean };
  readonly prompts?: { readonly listChanged?: boolean };
  readonly resources?: { readonly listChanged?: boolean; readonly subscribe?: boolean };
}

/** Resources that one stream may name. */
export const URIS_MAX = 1000;

/**
 * The filter of a listen request.
 *
 * @throws {GatewayError} InvalidParams when it is none
 */
export function filterOf(message: Message): ListenFilter {
  const filter = message.json().params?.notifications;
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) {
    throw new GatewayError("InvalidParams", "Cannot listen: params.notifications is no object");
  }
  const uris = filter.resourceSubscriptions;
  const areUris = uris === undefined ||
    (Array.isArray(uris) && uris.length <= URIS_MAX &&
      uris.every((uri: unknown) => typeof uri === "string"));
  if (areUris) return filter;
  throw new GatewayError(
    "InvalidParams",
    `Cannot listen: params.notifications.resourceSubscriptions is no list of up to ${URIS_MAX} URIs`,
  );
}

/** What of a filter a server can do. */
export function honoured(filter: ListenFilter, server: ServerCapabilities): ListenFilter {
  const uris = filter.resourceSubscriptions;
  return {
    ...(filter.toolsListChanged && server.tools?.listChanged && { toolsListChanged: true }),
    ...(filter.promptsListChanged && server.prompts?.listChanged && { promptsListChanged: true }),
    ...(filter.resourcesListChanged && server.resources?.listChanged &&
      { resourcesListChanged: true }),
    ...(uris !== undefined && server.resources?.subscribe && { resourceSubscriptions: uris }),
  };
}

/** Whether a notification is one that a filter asks for. */
export function isWanted(filter: ListenFilter, message: Message): boolean {
  switch (message.method) {
    case "notifications/tools/list_changed":
      return filter.toolsListChanged === true;
    case "notifications/prompts/list_changed":
      return filter.promptsListChanged === true;
    case "notifications/resources/list_changed":
      return filter.resourcesListChanged === true;
    case "notifications/resources/updated":
      return filter.resourceSubscriptions?.some((uri) => isWithin(message.uri ?? "", uri)) === true;
    default:
      return false;
  }
}

/** Whether a URI names a resource or a part of it: servers may tell of parts of what was subscribed to. */
export function isWithin(uri: string, whole: string): boolean {
  if (!uri.startsWith(whole)) return false;
  return uri.length === whole.length || whole.endsWith("/") || "/#?".includes(uri[whole.length]);
}

/** The first message of a listen stream. */
export function acknowledgement(filter: ListenFilter, id: Uint8Array): Message {
  const bare = notification("notifications/subscriptions/acknowledged", { notifications: filter });
  return underListen(bare, id);
}

/** A notification as one of a listen stream, which is named by the raw id of its request. */
export function underListen(message: Message, id: Uint8Array): Message {
  return edited(message, (meta) => meta.set(`${META_PREFIX}subscriptionId`, id));
}

/** A notification of a listen stream as one for clients that know no such streams. */
export function outsideListen(message: Message): Message {
  return edited(message, (meta) => meta.delete(`${META_PREFIX}subscriptionId`));
}

function edited(message: Message, change: (meta: RawObject) => void): Message {
  return withParams(message, (params) => {
    const meta = params.object("_meta");
    change(meta);
    if (meta.size > 0) params.set("_meta", meta.bytes());
    else params.delete("_meta");
  });
}
