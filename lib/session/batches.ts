/**
 * JSON-RPC batches, which one version of MCP has.
 *
 * @module
 */
import type { Batch } from "../core/connection.ts";
import { BATCH_VERSION } from "../core/eras.ts";
import { splitBatch } from "../framing/json_array.ts";
import type { ClientSession } from "./session.ts";

/** What arrived, with JSON-RPC batches as their messages where the session's version has batches. */
export function unfold(session: ClientSession, arrived: Batch): Batch {
  if (session.protocolVersion !== BATCH_VERSION) return arrived;
  return arrived.flatMap((message) => message.isBatch ? splitBatch(message.bytes) : message);
}
