/**
 * `sluice inspect-shm`: what a shared-memory export holds.
 *
 * @module
 */
import { closeSync } from "node:fs";
import Table from "cli-table3";
import { ShmError, type ShmFailure } from "../lib/shm/errors.ts";
import { openForReading, readAll, statPath } from "../lib/shm/files.ts";
import {
  entriesOfKey,
  entryJson,
  inspect,
  INSPECTED_BYTES_MAX,
  type InspectedEntry,
  type Inspection,
  inspectionJson,
  textOf,
} from "../lib/shm/inspect.ts";
import { DEFAULT_PATH } from "../lib/shm/layout.ts";
import type { Output } from "./command_line/terms.ts";
import { EXIT_DONE, EXIT_FAILED, oneLine } from "./errors.ts";
import { stopSignals } from "./process/signals.ts";

/** Flags of the command. */
export interface InspectFlags {
  readonly key?: string;
  readonly verify?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** How often `--watch` looks at the path: the exporter's own interval. inotify would wake for every file of a shared folder. */
const WATCH_INTERVAL_MS = 100;
const CLEAR_SCREEN = "\x1b[2J\x1b[H";
const METADATA_CHARS = 60;

/** What can be done, by what went wrong. */
const ADVICE: Partial<Record<ShmFailure, string>> = {
  missing: "start sluice serve with --shm, or correct the path",
  refused: "see what stands at the path, and who may read it",
};
const KEY_ADVICE = "without --key all are listed";

/**
 * Prints what an export holds.
 *
 * @param stop ends `--watch`; SIGINT and SIGTERM by default
 * @returns exit code: 1 when there is no export, `--verify` finds a fault or `--key` nothing
 */
export async function inspectShm(
  path: string = DEFAULT_PATH,
  flags: InspectFlags,
  output: Output,
  stop?: AbortSignal,
): Promise<number> {
  if (!flags.watch) return showOrFail(path, flags, output);
  using signals = stop === undefined ? stopSignals() : undefined;
  return await watch(path, flags, output, stop ?? signals!.drain);
}

function showOrFail(path: string, flags: InspectFlags, output: Output): number {
  try {
    return show(path, flags, output);
  } catch (thrown) {
    if (!(thrown instanceof ShmError)) throw thrown;
    output.stderr(lineOf(thrown));
    return EXIT_FAILED;
  }
}

function lineOf({ message, failure }: ShmError): string {
  return `${oneLine(`sluice: ${message}; ${ADVICE[failure] ?? "see whether it is an export"}`)}\n`;
}

function show(path: string, flags: InspectFlags, output: Output): number {
  const inspection = inspect(readFile(path));
  if (flags.verify) return verify(path, inspection, flags, output);
  if (flags.key !== undefined) return showKey(path, inspection, flags.key, flags, output);
  output.stdout(flags.json ? json(inspectionJson(path, inspection)) : tableText(path, inspection));
  return EXIT_DONE;
}

function readFile(path: string): Uint8Array {
  const { fd, stats } = openForReading(path);
  try {
    if (stats.size <= INSPECTED_BYTES_MAX) return readAll(fd, stats.size);
    throw new ShmError("invalid", `Cannot inspect ${path}: it has ${stats.size} bytes`);
  } finally {
    closeSync(fd);
  }
}

function verify(path: string, inspection: Inspection, flags: InspectFlags, output: Output): number {
  const { fault, layout, entries, fileBytes } = inspection;
  if (flags.json) {
    output.stdout(json({ path, layout, fileBytes, entries: entries.length, fault: fault ?? null }));
  } else if (fault === undefined) {
    output.stdout(`${oneLine(path)}: ${layout} layout, ${entries.length} entries: all is well\n`);
  } else {
    output.stdout(`${oneLine(path)}: wrong at offset ${fault.offset}: ${fault.why}\n`);
  }
  return fault === undefined ? EXIT_DONE : EXIT_FAILED;
}

function showKey(
  path: string,
  inspection: Inspection,
  key: string,
  flags: InspectFlags,
  output: Output,
): number {
  const found = entriesOfKey(inspection, key);
  if (found.length === 0) {
    output.stderr(
      `${oneLine(`sluice: Cannot find ${key}: ${path} does not hold it; ${KEY_ADVICE}`)}\n`,
    );
    return EXIT_FAILED;
  }
  output.stdout(flags.json ? json(found.map(entryJson)) : found.map(entryText).join("\n"));
  return EXIT_DONE;
}

async function watch(
  path: string,
  flags: InspectFlags,
  output: Output,
  stop: AbortSignal,
): Promise<number> {
  let shown: string | undefined;
  while (!stop.aborted) {
    const stats = statPath(path);
    const now = stats === undefined ? "none" : `${stats.dev}:${stats.ino}:${stats.mtimeMs}`;
    if (now !== shown) {
      shown = now;
      if (!flags.json) output.stdout(CLEAR_SCREEN);
      showOrTell(path, flags, output);
    }
    await aborted(stop, WATCH_INTERVAL_MS);
  }
  return EXIT_DONE;
}

/** While watching, a missing or broken export is a sight like any other. */
function showOrTell(path: string, flags: InspectFlags, output: Output): void {
  try {
    show(path, flags, output);
  } catch (thrown) {
    if (!(thrown instanceof ShmError)) throw thrown;
    const { failure, message } = thrown;
    output.stdout(flags.json ? json({ path, failure, message }) : lineOf(thrown));
  }
}

/** Resolves when the signal aborts, at the latest after a time. */
function aborted(signal: AbortSignal, atMostMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, atMostMs);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function tableText(path: string, inspection: Inspection): string {
  const table = new Table({
    head: ["TYPE", "KEY", "BYTES", "AGE", "METADATA"],
    colAligns: ["left", "left", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const { type, key, data, ageMs, metadataText } of inspection.entries) {
    table.push([type, oneLine(key), data.length, ageText(ageMs), short(oneLine(metadataText))]);
  }
  const entries = inspection.entries.length === 0 ? "" : `${table}\n`;
  return `${summary(path, inspection)}${entries}`;
}

function summary(path: string, inspection: Inspection): string {
  const { layout, header, fileBytes, entries, fragmentation, fault, ageMs } = inspection;
  const lines = [
    `${oneLine(path)}: ${layout} layout, ${entries.length} entries, ${fileBytes} bytes, ` +
    `${(fragmentation * 100).toFixed(1)} % fragmented`,
  ];
  if (header !== undefined) {
    const { sequence, generation, writerPid, superseded } = header;
    lines.push(
      `snapshot ${sequence} of writer ${generation} (process ${writerPid}), ${
        ageText(ageMs)
      } old, ` +
        (superseded ? "superseded" : "live"),
    );
  }
  if (fault !== undefined) lines.push(`WRONG at offset ${fault.offset}: ${fault.why}`);
  return lines.map((line) => `${line}\n`).join("");
}

function entryText(entry: InspectedEntry): string {
  const { type, key, offset, data, ageMs, metadataText } = entry;
  const text = textOf(data);
  return [
    `${type} ${oneLine(key)}: ${data.length} bytes at ${offset}, ${ageText(ageMs)} old`,
    `metadata: ${oneLine(metadataText)}`,
    text === undefined ? "data: binary, --json prints it as base64" : printable(text),
  ].map((line) => `${line}\n`).join("");
}

/** Text of several lines; nothing in it reaches the terminal as a command. */
function printable(text: string): string {
  return text.split("\n").map((line) => line.replace(/[^\S ]+/g, " ")).map((line) =>
    line.split(/( +)/).map((part) => /^ *$/.test(part) ? part : oneLine(part)).join("")
  ).join("\n");
}

function ageText(ageMs: number | undefined): string {
  if (ageMs === undefined) return "-";
  const seconds = ageMs / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(0)} h`;
}

function short(text: string): string {
  return text.length <= METADATA_CHARS ? text : `${text.slice(0, METADATA_CHARS - 1)}…`;
}
