/**
 * Structured logging: JSON lines on standard error, or brief text when a person reads.
 *
 * pino 10 writes the lines, in process (`pino.transport` fails in compiled binaries). It is imported when
 * the first line passes the level, because the import takes 7-9 ms bundled and 22-30 ms from source (Deno
 * 2.9.6), too much of the 150 ms that `sluice proxy` has; lines wait until then, with their own time.
 *
 * @module
 */
import type { DropCounter, LogSink } from "./log_destination.ts";
import { PinoWriter } from "./pino_writer.ts";
import { redactFields, redactText } from "./redact.ts";

/** Levels that a line can have, least important first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** Level of a line. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What a logger lets through: lines of this level and above, or nothing. */
export type LogThreshold = LogLevel | "silent";

/** What a line tells besides its message. Secrets are removed, depth and size bounded. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines. No method ever throws; what cannot be written is dropped and counted. */
export interface Logger {
  /** Whether lines of this level are written: ask before making costly fields. */
  enabled(level: LogLevel): boolean;
  log(level: LogLevel, message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A logger whose lines name a module and carry these fields. */
  child(module: string, fields?: LogFields): Logger;
}

/** The logger that owns the destination. Disposing it writes what waits. */
export interface RootLogger extends Logger, AsyncDisposable {
  setThreshold(threshold: LogThreshold): void;
  /** Resolves when everything logged so far is written or dropped, at the latest after `deadlineMs` (500). */
  flush(deadlineMs?: number): Promise<void>;
}

/** How {@link createLogger} logs; everything has a default. */
export interface LoggerOptions {
  /** `info` when absent. */
  readonly threshold?: LogThreshold;
  /** `text` when standard error is a terminal, else `json`. */
  readonly format?: "json" | "text";
  /** Standard error when absent. */
  readonly sink?: LogSink;
  /** Counts lines that were not written: `metrics.logDropped`. */
  readonly dropped?: DropCounter;
  /** Holds lines below `error` back for so long, ms, before pino is imported: keeps the start quick. 0 when absent. */
  readonly importDelayMs?: number;
  /** Text that may wait for a slow standard error, UTF-16 units. */
  readonly pendingCharsMax?: number;
  /** Wall clock for the lines. */
  readonly now?: () => Date;
}

const RESERVED_FIELDS = new Set(["level", "time", "pid", "msg", "module"]);
const RANKS: Readonly<Record<LogThreshold, number>> = {
  ...{ trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 },
  silent: Infinity,
};

/** Makes the logger of a process. Opens nothing, imports nothing until the first line. */
export function createLogger(options: LoggerOptions = {}): RootLogger {
  return new ProcessLogger(options);
}

/** The methods that every logger derives from `log` and `enabled`. */
export abstract class BaseLogger implements Logger {
  abstract enabled(level: LogLevel): boolean;
  abstract log(level: LogLevel, message: string, fields?: LogFields): void;
  abstract child(module: string, fields?: LogFields): Logger;

  trace(message: string, fields?: LogFields): void {
    this.log("trace", message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    this.log("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.log("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.log("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.log("error", message, fields);
  }
  fatal(message: string, fields?: LogFields): void {
    this.log("fatal", message, fields);
  }
}

class ProcessLogger extends BaseLogger implements RootLogger {
  readonly #now: () => Date;
  readonly #dropped: DropCounter | undefined;
  readonly #lines: PinoWriter;
  #rank: number;

  constructor(options: LoggerOptions) {
    super();
    this.#rank = RANKS[options.threshold ?? "info"];
    this.#now = options.now ?? (() => new Date());
    this.#dropped = options.dropped;
    this.#lines = new PinoWriter({
      sink: options.sink,
      dropped: options.dropped,
      pendingCharsMax: options.pendingCharsMax,
      format: options.format ?? (Deno.stderr.isTerminal() ? "text" : "json"),
      importDelayMs: options.importDelayMs ?? 0,
      onGap: (lines) => this.warn("log lines were dropped", { lines }),
    });
  }

  enabled(level: LogLevel): boolean {
    return RANKS[level] >= this.#rank;
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.writeLine(level, message, {}, fields);
  }

  child(module: string, fields?: LogFields): Logger {
    return new ChildLogger(this, this.inherit({}, module, fields));
  }

  /** Writes a line with fields that are safe already and others that are not yet. */
  writeLine(level: LogLevel, message: string, safe: LogFields, fields?: LogFields): void {
    if (!this.enabled(level)) return;
    try {
      this.#lines.write({
        level,
        time: this.#now().toISOString(),
        message: redactText(message),
        fields: { ...safe, ...this.#safe(fields) },
      });
    } catch {
      this.#dropped?.inc(1); // logging must not fail what is logged about
    }
  }

  /** Fields of a child of a child. */
  inherit(safe: LogFields, module: string, fields?: LogFields): LogFields {
    return { ...safe, ...this.#safe(fields), module };
  }

  setThreshold(threshold: LogThreshold): void {
    this.#rank = RANKS[threshold];
  }

  flush(deadlineMs = 500): Promise<void> {
    return this.#lines.flush(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }

  #safe(fields: LogFields | undefined): Record<string, unknown> {
    if (fields === undefined) return {};
    const safe = redactFields(fields, { stacks: this.#rank <= RANKS.debug });
    for (const name of RESERVED_FIELDS) {
      if (!(name in safe)) continue;
      safe[`${name}_`] = safe[name];
      delete safe[name];
    }
    return safe;
  }
}

class ChildLogger extends BaseLogger {
  readonly #root: ProcessLogger;
  readonly #fields: LogFields;

  constructor(root: ProcessLogger, fields: LogFields) {
    super();
    this.#root = root;
    this.#fields = fields;
  }

  enabled(level: LogLevel): boolean {
    return this.#root.enabled(level);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.#root.writeLine(level, message, this.#fields, fields);
  }

  child(module: string, fields?: LogFields): Logger {
    return new ChildLogger(this.#root, this.#root.inherit(this.#fields, module, fields));
  }
}
