/**
 * What the schema is made of: kinds of settings that say what they are for.
 *
 * @module
 */
import { z } from "zod";

/** What a setting says about itself besides its type. */
export interface SettingMeta {
  /** What it does, one clause or sentence without a full stop. */
  readonly description: string;
  /** Unit or form of the value: `bytes`, `ms`, `URL`, ... */
  readonly unit?: string;
  /** Flag that sets it, as the help text shows it. */
  readonly flag?: string;
}

/** Most milliseconds a timer of the runtime can wait. */
const TIMER_MS_MAX = 2_147_483_647;

/** A schema that says what it is for. */
export function about<S extends z.ZodType>(schema: S, meta: SettingMeta): S {
  return schema.meta({ ...meta });
}

/** A whole number within bounds, with its default. */
export function count(
  low: number,
  high: number,
  preset: number,
  description: string,
  unit: string,
) {
  return about(z.int().min(low).max(high).default(preset), { description, unit });
}

/** A number of bytes, up to 1 GiB. */
export function bytes(low: number, preset: number, description: string) {
  return count(low, 1_073_741_824, preset, description, "bytes");
}

/** A time that a timer can wait, ms. */
export function ms(preset: number, description: string) {
  return count(1, TIMER_MS_MAX, preset, description, "ms");
}

/** A text that is not empty. */
export const text = z.string().min(1);
