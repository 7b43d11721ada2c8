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
import {
  LevelTable,
  type LogLevel,
  type LogThreshold,
  type ModuleGate,
  type ModuleLevels,
  passes,
  showsStacks,
} from "./log_levels.ts";
import { PinoWriter } from "./pino_writer.ts";
import { redactFields, redactText } from "./redact.ts";

export { LOG_LEVELS, type LogLevel, type LogThreshold } from "./log_levels.ts";

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

/** The logger that owns the destination. Disposing it writes what waits, and closes the destination. */
export interface RootLogger extends Logger, AsyncDisposable {
  /** Level of modules that have none of their own. */
  setThreshold(threshold: LogThreshold): void;
  /**
   * Level of one module from now on, by the name that its lines have; `undefined` takes it back, and `*` stands for
   * all modules that have none of their own.
   *
   * @throws {SluiceError} when it is no level, or no name of a module
   */
  setLevel(module: string, threshold: LogThreshold | undefined): void;
  /** Levels of all single modules from now on. */
  setLevels(levels: ModuleLevels): void;
  /** Levels of all modules that have logged, and under `*` of those that have none of their own. */
  levels(): ModuleLevels;
  /** Begins a file anew that log rotation has renamed. */
  reopen(): Promise<void>;
  /** Resolves when everything logged so far is written or dropped, at the latest after `deadlineMs` (500). */
  flush(deadlineMs?: number): Promise<void>;
}

/** How {@link createLogger} logs; everything has a default. */
export interface LoggerOptions {
  /** `info` when absent. */
  readonly threshold?: LogThreshold;
  /** Of single modules. */
  readonly levels?: ModuleLevels;
  /** `text` when standard error is a terminal, else `json`. */
  readonly format?: "json" | "text";
  /** Standard error when absent. Disposed with the logger. */
  readonly sink?: LogSink;
  /** Told why lines cannot be written, once until they can again. */
  readonly onLost?: (reason: string) => void;
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
  readonly #levels: LevelTable;
  readonly #sink: LogSink | undefined;

  constructor(options: LoggerOptions) {
    super();
    this.#levels = new LevelTable(options.threshold ?? "info");
    this.#levels.setAll(options.levels ?? {});
    this.#now = options.now ?? (() => new Date());
    this.#dropped = options.dropped;
    this.#sink = options.sink;
    this.#lines = new PinoWriter({
      sink: options.sink,
      dropped: options.dropped,
      pendingCharsMax: options.pendingCharsMax,
      format: options.format ?? (Deno.stderr.isTerminal() ? "text" : "json"),
      importDelayMs: options.importDelayMs ?? 0,
      onLost: options.onLost,
      onGap: (lines) => this.warn("log lines were dropped", { lines }),
    });
  }

  enabled(level: LogLevel): boolean {
    return passes(this.#levels.root, level);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.writeLine(this.#levels.root, level, message, {}, fields);
  }

  child(module: string, fields?: LogFields): Logger {
    return new ChildLogger(this, this.gateOf(module), this.inherit({}, module, fields));
  }

  gateOf(module: string): ModuleGate {
    return this.#levels.gateOf(module);
  }

  /** Writes a line with fields that are safe already and others that are not yet. */
  writeLine(
    gate: ModuleGate,
    level: LogLevel,
    message: string,
    safe: LogFields,
    fields?: LogFields,
  ): void {
    if (!passes(gate, level)) return;
    try {
      this.#lines.write({
        level,
        time: this.#now().toISOString(),
        message: redactText(message),
        fields: { ...safe, ...this.#safe(gate, fields) },
      });
    } catch {
      this.#dropped?.inc(1); // logging must not fail what is logged about
    }
  }

  /** Fields of a child of a child. */
  inherit(safe: LogFields, module: string, fields?: LogFields): LogFields {
    return { ...safe, ...this.#safe(this.#levels.root, fields), module };
  }

  setThreshold(threshold: LogThreshold): void {
    this.#levels.setThreshold(threshold);
  }

  setLevel(module: string, threshold: LogThreshold | undefined): void {
    this.#levels.set(module, threshold);
  }

  setLevels(levels: ModuleLevels): void {
    this.#levels.setAll(levels);
  }

  levels(): ModuleLevels {
    return this.#levels.levels();
  }

  async reopen(): Promise<void> {
    await this.#sink?.reopen?.();
  }

  flush(deadlineMs = 500): Promise<void> {
    return this.#lines.flush(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#sink?.[Symbol.asyncDispose]?.();
  }

  #safe(gate: ModuleGate, fields: LogFields | undefined): Record<string, unknown> {
    if (fields === undefined) return {};
    const safe = redactFields(fields, { stacks: showsStacks(gate) });
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
  readonly #gate: ModuleGate;
  readonly #fields: LogFields;

  constructor(root: ProcessLogger, gate: ModuleGate, fields: LogFields) {
    super();
    this.#root = root;
    this.#gate = gate;
    this.#fields = fields;
  }

  enabled(level: LogLevel): boolean {
    return passes(this.#gate, level);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.#root.writeLine(this.#gate, level, message, this.#fields, fields);
  }

  child(module: string, fields?: LogFields): Logger {
    const inherited = this.#root.inherit(this.#fields, module, fields);
    return new ChildLogger(this.#root, this.#root.gateOf(module), inherited);
  }
}
