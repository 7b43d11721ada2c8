/**
 * JSON-RPC error codes as label values. A code may come from a server, so only known ones become labels.
 *
 * @module
 */
import { WIRE_FORMS } from "../core/errors.ts";
import { OVERFLOW_LABEL } from "./metric_family.ts";

/** Of MCP and its SDKs, besides our own: closed, timeout, resource not found, URL to be visited first. */
const CODES_OF_SERVERS = [-32000, -32001, -32002, -32042];

const KNOWN_CODES: ReadonlyMap<unknown, string> = new Map(
  [...Object.values(WIRE_FORMS).map(({ code }) => code), ...CODES_OF_SERVERS]
    .map((code) => [code, String(code)]),
);

/** The code itself when it is a known one, else `other`. */
export function errorLabel(code: unknown): string {
  return KNOWN_CODES.get(code) ?? OVERFLOW_LABEL;
}
