/**
 * The audit log: one line for each security event, in a file of its own or among the other log lines. Writing
 * never holds up traffic and never fails it; what cannot be written is dropped and counted.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { reasonOf, SluiceError } from "../core/errors.ts";
import type { SecurityEvent, SecurityEvents } from "../core/security_event.ts";
import { limited } from "./limited_logger.ts";
import { type DropCounter, LogDestination } from "./log_destination.ts";
import { LogFile } from "./log_file.ts";
import type { Logger } from "./logger.ts";
import { redactText } from "./redact.ts";

/** An audit log. Dispose it to write what waits. */
export interface AuditLog extends AsyncDisposable {
  readonly note: SecurityEvents;
  /** Resolves when everything noted so far is written or dropped. */
  flush(): Promise<void>;
  /** Takes the file that is at the path now: log rotation has renamed the old one. */
  reopen?(): Promise<void>;
}

/** Lines of a second among the other log lines. */
const LOG_LINES_PER_SECOND_MAX = 10;
/** Lines of a second in a file of its own: whoever attacks must not fill the disk. */
const FILE_LINES_PER_SECOND_MAX = 1_000;
const SECOND_MS = 1_000;

/** Events as lines of the normal log, at `info`. */
export function auditAmongLogLines(logger: Logger): AuditLog {
  const log = limited(logger, LOG_LINES_PER_SECOND_MAX);
  return {
    note: ({ type, ...facts }) => log.info(type, present(facts)),
    flush: () => Promise.resolve(),
    [Symbol.asyncDispose]() {
      log[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** What surrounds a file. */
export interface AuditFileOptions {
  /** Counts lines that were not written. */
  readonly dropped?: DropCounter;
  /** Told of lines that were lost, once others can be written again. */
  readonly onGap?: (lines: number) => void;
  /** How often it is looked whether the file is still the one at the path, ms: log rotation renames it. */
  readonly rotationCheckMs?: number;
  /** Wall clock of the lines. */
  readonly now?: () => Date;
}

/**
 * Events as JSON lines that are added to a file, which only its owner can read.
 *
 * @throws {SluiceError} when it cannot be opened, or is a symbolic link
 */
export async function auditFile(path: string, options: AuditFileOptions = {}): Promise<AuditLog> {
  const { dropped, onGap, now = () => new Date(), rotationCheckMs } = options;
  const sink = await LogFile.open(path, rotationCheckMs).catch((error) => {
    throw new SluiceError(`Cannot open audit log ${path}: ${reasonOf(error)}`, { cause: error });
  });
  const destination = new LogDestination({ sink, dropped, onGap });
  const allowance = new Allowance(FILE_LINES_PER_SECOND_MAX);
  return {
    note(event) {
      if (allowance.take()) destination.write(lineOf(event, now()));
      else dropped?.inc(1);
    },
    flush: () => destination.flush(),
    reopen: () => sink.reopen(),
    async [Symbol.asyncDispose]() {
      await destination.flush();
      await sink[Symbol.asyncDispose]();
    },
  };
}

/** One line, whatever is in the texts: JSON has no line ends inside. */
function lineOf({ type, ...facts }: SecurityEvent, time: Date): string {
  return `${JSON.stringify({ time: time.toISOString(), type, ...present(facts) })}\n`;
}

/** What is known, without secrets that a text may have brought along. */
function present(facts: Omit<SecurityEvent, "type">): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) shown[name] = redactText(value);
  }
  return shown;
}

/** So many in each second. */
class Allowance {
  readonly #max: number;
  #left: number;
  #endMs = 0;

  constructor(max: number) {
    this.#max = this.#left = max;
  }

  take(): boolean {
    const nowMs = monotonicMs();
    if (nowMs >= this.#endMs) {
      this.#endMs = nowMs + SECOND_MS;
      this.#left = this.#max;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
