/**
 * The log level of a server that several clients share: the most verbose that any of them wants.
 *
 * @module
 */
import type { Server } from "../core/upstream.ts";
import { requestWith } from "./discovery.ts";

/** From the most verbose to the least (RFC 5424, 6.2.1). */
const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/** Whether a log message of one level is wanted by who asked for another. */
export function isLoud(level: unknown, wanted: unknown): boolean {
  return LEVELS.indexOf(String(level)) >= LEVELS.indexOf(String(wanted));
}

/** Whether a text names a log level. */
export function isLogLevel(text: unknown): text is string {
  return LEVELS.includes(String(text));
}

/** Log levels of those who use one server. */
export class LogLevels {
  readonly #server: Server;
  readonly #wanted = new Map<object, string>();
  #told: string | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** What someone asked for. */
  of(who: object): string | undefined {
    return this.#wanted.get(who);
  }

  /** Notes what someone wants, and tells the server when that is more than before. */
  async want(who: object, level: string): Promise<void> {
    this.#wanted.set(who, level);
    await this.#tell();
  }

  /** Someone has gone. */
  forget(who: object): void {
    this.#wanted.delete(who);
  }

  async #tell(): Promise<void> {
    const loudest = LEVELS.find((level) => [...this.#wanted.values()].includes(level));
    if (loudest === undefined || loudest === this.#told) return;
    this.#told = loudest;
    try {
      await this.#server.ask(requestWith("logging/setLevel", "level", loudest));
    } catch (error) {
      if (this.#told === loudest) this.#told = undefined; // it may not have heard
      throw error;
    }
  }
}
