/**
 * Bodies of requests to the admin routes: small JSON objects.
 *
 * @module
 */
import type { Context } from "hono";
import { GatewayError } from "../core/errors.ts";
import type { AdminEnv } from "./guard.ts";

const BODY_BYTES_MAX = 4096;

/**
 * The members of a body; none where there is no body.
 *
 * @throws {GatewayError} InvalidRequest or PayloadTooLarge
 */
export async function bodyOf(c: Context<AdminEnv>): Promise<Readonly<Record<string, unknown>>> {
  const length = c.req.header("content-length");
  if (length === undefined && c.req.header("transfer-encoding") === undefined) return {};
  if (length === undefined) throw invalid("a Content-Length is needed");
  if (Number(length) > BODY_BYTES_MAX) {
    throw new GatewayError("PayloadTooLarge", "Cannot read body: it is too large");
  }
  if (Number(length) === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(await c.req.text());
  } catch {
    throw invalid("it is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("it is no object");
  }
  return body as Record<string, unknown>;
}

/** A number within bounds; `preset` where nothing is said. @throws {GatewayError} InvalidRequest */
export function numberIn(value: unknown, name: string, low: number, high: number, preset?: number) {
  if (value === undefined && preset !== undefined) return preset;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && number >= low && number <= high) return number;
  throw invalid(`${name} is a number from ${low} to ${high}`);
}

/** A text that is not empty. @throws {GatewayError} InvalidRequest */
export function textIn(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`${name} is missing`);
}

/** A request that makes no sense. */
export function invalid(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot read request: ${why}`);
}
