/**
 * Which eras a server is known to speak. That belongs to the server, not to a connection: it is found out
 * once.
 *
 * @module
 */
import type { Era } from "../core/eras.ts";

/** What is known; `undefined` is not found out yet. */
export class EraMemory {
  legacy: boolean | undefined;
  modern: boolean | undefined;

  /** @param only the one era that the configuration allows */
  constructor(only?: Era) {
    if (only === undefined) return;
    this.legacy = only === "legacy";
    this.modern = only === "modern";
  }
}
