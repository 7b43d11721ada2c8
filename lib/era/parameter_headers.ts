/**
 * Checks `Mcp-Param-*` of tool calls over HTTP in the sessionless era against their arguments: the gateway
 * is the HTTP server of these clients, and a server behind it may never see a header.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28, server behavior for custom headers.
 *
 * @module
 */
import { request } from "../core/compose.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { type Headers, ParamHeaders } from "../core/param_headers.ts";
import { RawObject } from "../core/raw_object.ts";
import { withParams } from "./protocol_meta.ts";
import { RetriedCall } from "./retried_call.ts";
import { within } from "../core/waiting.ts";

/** So long a first call waits for the list that tells of its headers, ms. */
const LIST_MS = 2000;
/** Pages of a list that are read. */
const PAGES_MAX = 100;

/** The check, as a layer around the upstream. */
export function parameterHeaders(): Policy {
  return (next) => {
    const checked = new CheckedHeaders(next);
    return (call) => checked.handle(call);
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
    const headers = message.context?.headers;
    if (headers === undefined) return await this.#next(call);
    if (message.method === "tools/call") await this.#check(call, headers);
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
    const meta = new RawObject(call.message.bytes).object("params").object("_meta");
    let cursor: unknown;
    for (let page = 0; page < PAGES_MAX; page++) {
      const asked = withParams(request(0, "tools/list"), (params) => {
        params.set("_meta", meta.bytes());
        if (cursor !== undefined) params.put("cursor", cursor);
      });
      const answer = await this.#next(new RetriedCall(call, asked));
      if (answer === undefined || answer.isError) return;
      this.#known.learn(answer);
      cursor = answer.json().result?.nextCursor;
      if (cursor === undefined) return;
    }
  }
}
