/**
 * Settings that are one word of a few.
 *
 * @module
 */

/** Whether one process or connection of an upstream serves one client or all of them. */
export const SHARINGS = ["perSession", "shared"] as const;
/** Eras of the protocol that one side is spoken to in: with a handshake, without one, or both. */
export const ERAS = ["auto", "legacy", "modern"] as const;
/** Thresholds of the log, as `lib/telemetry` knows them, most talkative first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
/** Whose HTTP answers are compressed. */
export const COMPRESSIONS = ["auto", "on", "off"] as const;
/** Forms of a log line; `auto` is text on a terminal and JSON elsewhere. */
export const LOG_FORMATS = ["auto", "json", "text"] as const;
/** What happens to arguments that do not match. */
export const VALIDATIONS = ["off", "log", "deny"] as const;
