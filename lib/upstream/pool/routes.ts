/**
 * Which requests must go to the session's home, and which anywhere.
 *
 * @module
 */
import type { Message } from "../../core/message.ts";

/** `state`: to the home at once, past the line; `home`: to the home when it has room; `any`: where the strategy says. */
export type Route = "state" | "home" | "any";

/** These concern what a server remembers of a session: calls cannot do without them, and they take no time. */
const OF_STATE = new Set([
  "initialize",
  "ping",
  "logging/setLevel",
  "resources/subscribe",
  "resources/unsubscribe",
  "subscriptions/listen",
  "tasks/get",
  "tasks/result",
  "tasks/cancel",
  "tasks/list",
]);

/**
 * Where a request goes.
 *
 * @param isBound whether all requests of this session go to its home
 */
export function routeOf({ method }: Message, isBound: boolean): Route {
  if (OF_STATE.has(method!)) return "state";
  return isBound ? "home" : "any";
}
