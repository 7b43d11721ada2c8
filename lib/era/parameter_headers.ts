/**
 * Checks `Mcp-Param-*` of tool calls over HTTP in the sessionless era against their arguments: the gateway
 * is the HTTP server of these clients, and a server behind it may never see a header.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28, server behavior for custom headers.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { type Headers, ParamHeaders } from "../core/param_headers.ts";
import { toolPages } from "../core/tool_pages.ts";
import { within } from "../core/waiting.ts";

/** So long a first call waits for the list that tells of its headers, ms. */
const LIST_MS = 2000;

/** The check, as a layer around the upstream. */
export function parameterHeaders(): Policy {
  return (next) => {
    const checked = new CheckedHeaders(next);
    // an async function around every call would cost 300 bytes and 0.1 us
    return (call) =>
      call.message.context?.headers === undefined ? next(call) : checked.handle(call);
  };
}

class CheckedHeaders {
  readonly #next: Handler;
  readonly #known = new ParamHeaders(() => {}); // a tool with bad annotations is its clients' to refuse
  #listing: Promise<unknown> | undefined;

  constructor(next: Handler) {
    this.#next = next;
  }

  async handle(call: Call): Promise<Message | undefined> {
    const { message } = call;
    if (message.method === "tools/call") await this.#check(call, message.context!.headers!);
    const answer = await this.#next(call);
    if (message.method === "tools/list" && answer !== undefined) this.#known.learn(answer);
    return answer;
  }

  async #check(call: Call, headers: Headers): Promise<void> {
    this.#listing ??= this.#list(call);
    await within(this.#listing, LIST_MS).catch(() => this.#listing = undefined); // asked again with the next call
    const header = this.#known.mismatch(call.message, headers);
    if (header === undefined) return;
    throw new GatewayError(
      "HeaderMismatch",
      `Cannot accept request: header ${header} is missing or differs from the argument`,
    );
  }

  /** Reads the whole list in the name of the client that calls first. */
  async #list(call: Call): Promise<void> {
    for await (const answer of toolPages(this.#next, call)) this.#known.learn(answer);
  }
}
