/**
 * The rules of JSON-RPC 2.0, as MCP narrows them, on the positions that the envelope scan found.
 *
 * @module
 */
import { Slot } from "./envelope.ts";
import { isRequestId } from "./message_id.ts";

const QUOTE = 0x22, OPEN_BRACE = 0x7b, LOWER_N = 0x6e;

/**
 * What makes a well-formed object no JSON-RPC message of MCP; `undefined` when it is one. Clears the id span of
 * an error answer to nobody.
 */
export function offenceOf(bytes: Uint8Array, spans: number[]): string | undefined {
  const has = (slot: number) => spans[2 * slot] >= 0;
  const first = (slot: number) => bytes[spans[2 * slot]];
  if (!isVersion2(bytes, spans)) return 'jsonrpc is not "2.0"';
  const idOk = has(Slot.id) && isRequestId(bytes, spans[2 * Slot.id], spans[2 * Slot.id + 1]);
  if (has(Slot.method)) {
    if (first(Slot.method) !== QUOTE) return "method is not a string";
    if (has(Slot.id) && !idOk) return "id is neither a string nor an integer";
    if (has(Slot.params) && first(Slot.params) !== OPEN_BRACE) return "params is not an object";
    return has(Slot.result) || has(Slot.error) ? "method and result in one message" : undefined;
  }
  if (has(Slot.result) === has(Slot.error)) return "neither method, nor one of result and error";
  if (has(Slot.error) && first(Slot.error) !== OPEN_BRACE) return "error is not an object";
  if (idOk) return undefined;
  if (has(Slot.result) || (has(Slot.id) && first(Slot.id) !== LOWER_N)) {
    return "id is neither a string nor an integer";
  }
  spans[2 * Slot.id] = spans[2 * Slot.id + 1] = -1; // an error answer to nobody: id null or absent
  return undefined;
}

function isVersion2(bytes: Uint8Array, spans: readonly number[]): boolean {
  const at = spans[2 * Slot.jsonrpc];
  return at >= 0 && spans[2 * Slot.jsonrpc + 1] - at === 5 &&
    bytes[at] === QUOTE && bytes[at + 1] === 0x32 && bytes[at + 2] === 0x2e &&
    bytes[at + 3] === 0x30;
}
