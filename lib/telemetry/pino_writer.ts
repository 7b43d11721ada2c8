/**
 * Turns log lines into text with pino, which is imported late.
 *
 * @module
 */
import type { Logger as Pino } from "pino";
import { backgroundTimer } from "./background_timer.ts";
import { type DropCounter, LogDestination, type LogDestinationOptions } from "./log_destination.ts";
import { textLine } from "./log_text.ts";

/** A line on its way: fields are plain data and safe to show. */
export interface LogLine {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  /** ISO 8601, of the moment when it was logged. */
  readonly time: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** How a {@link PinoWriter} writes. */
export interface PinoWriterOptions extends LogDestinationOptions {
  readonly format: "json" | "text";
  /** Holds lines below `error` back for so long, ms, before pino is imported. */
  readonly importDelayMs: number;
}

/** Lines that may wait for pino. */
const WAITING_LINES_MAX = 1000;

/** Writes lines in the order in which they came. */
export class PinoWriter {
  readonly #options: PinoWriterOptions;
  readonly #dropped: DropCounter | undefined;
  readonly #destination: LogDestination;
  #waiting: LogLine[] = [];
  #pino: Pino | undefined;
  #importing: Promise<void> | undefined;
  #importTimer: Disposable | undefined;
  #failed = false;
  /** Time of the line that pino writes right now. */
  #time = "";

  constructor(options: PinoWriterOptions) {
    this.#options = options;
    this.#dropped = options.dropped;
    this.#destination = new LogDestination(options);
  }

  /** Writes the line, or keeps it until pino is there. */
  write(line: LogLine): void {
    if (this.#pino !== undefined) return this.#emit(this.#pino, line);
    if (this.#failed || this.#waiting.length >= WAITING_LINES_MAX) {
      this.#dropped?.inc(1);
      return;
    }
    this.#waiting.push(line);
    const urgent = line.level === "error" || line.level === "fatal";
    if (urgent || this.#options.importDelayMs === 0) this.#startImport();
    else {this.#importTimer ??= backgroundTimer(() =>
        this.#startImport(), this.#options.importDelayMs);}
  }

  /** Resolves when everything written so far has left or was dropped, at the latest after `deadlineMs`. */
  async flush(deadlineMs: number): Promise<void> {
    if (this.#waiting.length > 0) await this.#startImport();
    await this.#destination.flush(deadlineMs);
  }

  #startImport(): Promise<void> {
    this.#importTimer?.[Symbol.dispose]();
    return this.#importing ??= this.#import();
  }

  /** Never rejects: a gateway without a log is better than none. */
  async #import(): Promise<void> {
    try {
      const { pino } = await import("pino");
      this.#pino = pino({
        level: "trace", // the threshold was applied before
        base: { pid: Deno.pid },
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"time":"${this.#time}"`,
      }, { write: (json: string) => this.#toDestination(json) });
      while (this.#waiting.length > 0) this.#emit(this.#pino, this.#waiting.shift()!);
    } catch {
      this.#failed = true;
      this.#pino = undefined;
      this.#dropped?.inc(this.#waiting.length);
      this.#waiting = [];
    }
  }

  #emit(logger: Pino, line: LogLine): void {
    this.#time = line.time;
    logger[line.level](line.fields, line.message);
  }

  #toDestination(json: string): void {
    this.#destination.write(this.#options.format === "text" ? textLine(json) : json);
  }
}
