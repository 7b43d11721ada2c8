/**
 * Calls for policies, without a gateway around them.
 *
 * @module
 */
import { request } from "../../../lib/core/compose.ts";
import type { Call, Session } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";

/** A session of nobody. */
export const SESSION = { id: "s", isSessionless: false } as Session;

/** A call, and what its client has heard. */
export interface TestCall extends Call {
  readonly heard: Message[];
}

/** A call of a method. */
export function callOf(
  method: string,
  params?: unknown,
  { id = 1, signal = new AbortController().signal }: { id?: number; signal?: AbortSignal } = {},
): TestCall {
  const heard: Message[] = [];
  return {
    message: request(id, method, params),
    request: { transport: "test", address: "test", header: () => undefined },
    session: SESSION,
    signal,
    heard,
    notify: (message) => Promise.resolve(void heard.push(message)),
    ask: (message) => Promise.resolve(message),
  };
}

/** A call of a tool. */
export function toolCall(name: string, signal?: AbortSignal): TestCall {
  return callOf("tools/call", { name, arguments: {} }, { signal });
}
