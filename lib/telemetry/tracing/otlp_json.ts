/**
 * What requests to a collector have in common: times, and the JSON form of attributes.
 *
 * Source: opentelemetry-proto, OTLP specification 1.x, JSON protobuf encoding: 64-bit integers are strings, ids
 * are hexadecimal, enumerations are numbers.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { Attribute } from "./span.ts";

/** The wall clock may be set while the process runs; smaller differences are rounding, ms. */
const CLOCK_STEP_MS = 20;

let originMs = performance.timeOrigin;

/** Takes over a wall clock that was set. For each export once. */
export function followWallClock(): void {
  const nowMs = monotonicMs();
  if (Math.abs(Date.now() - originMs - nowMs) > CLOCK_STEP_MS) originMs = Date.now() - nowMs;
}

/** A monotonic time as ms since 1970. */
export function wallClock(timeMs: number): number {
  return originMs + timeMs;
}

/** A monotonic time as nanoseconds since 1970, in decimal digits. */
export function unixNanos(timeMs: number): string {
  const ms = wallClock(timeMs);
  const whole = Math.floor(ms);
  const nanos = 1_000_000 + Math.floor((ms - whole) * 1e6); // seven digits: the first is none of them
  return `${whole}${String(nanos).slice(1)}`;
}

/** Who tells: what stands around the items of a request. */
export interface Resource {
  readonly attributes: readonly Attribute[];
  readonly version: string;
}

/** The scope of everything that comes from here, as JSON text. */
export function scopeJson({ version }: Resource): string {
  return `{"name":"sluice","version":${JSON.stringify(version)}}`;
}

/** One attribute as JSON text. */
export function attributeJson(name: string, value: Attribute[1]): string {
  return `{"key":${JSON.stringify(name)},"value":${valueJson(value)}}`;
}

/** Several, joined by commas. */
export function attributesJson(attributes: Iterable<Attribute>): string {
  return Array.from(attributes, ([name, value]) => attributeJson(name, value)).join(",");
}

function valueJson(value: Attribute[1]): string {
  if (typeof value === "string") return `{"stringValue":${JSON.stringify(value.toWellFormed())}}`;
  if (typeof value === "boolean") return `{"boolValue":${value}}`;
  if (Number.isInteger(value)) return `{"intValue":"${value}"}`;
  return `{"doubleValue":${value}}`;
}
