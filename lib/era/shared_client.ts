/**
 * What a server that several clients share is told of them.
 *
 * @module
 */
import type { ClientSelf } from "./protocol_meta.ts";

const encoder = new TextEncoder();

/**
 * All that a client can do. A question reaches exactly the client whose call caused it; one that cannot
 * answer it says so, and the server is told.
 */
export const EVERYTHING: ClientSelf = {
  capabilities: encoder.encode(JSON.stringify({
    sampling: { tools: {}, context: {} },
    elicitation: { form: {}, url: {} },
    roots: {},
  })),
  info: encoder.encode('{"name":"sluice","version":"0"}'),
};
