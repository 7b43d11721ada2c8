/**
 * What the supervisor and its workers tell each other: lines of JSON, to the worker on stdin and back on
 * stdout. When stdin ends, the supervisor has gone, and the worker goes too.
 *
 * @module
 */
import type { WorkerPlace } from "../../transports/workers/group.ts";
import type { Ports } from "./ports.ts";

/** Hidden flag of `serve` that makes it a worker. */
export const WORKER_FLAG = "--as-worker";

/** The first line that a worker is told. */
export interface FirstOrder {
  readonly place: WorkerPlace;
  /** Times that it has been started again. */
  readonly restarts: number;
  readonly ports: Ports;
}

/** Any line after that: the worker exports by shared memory from now on. */
export const EXPORT_ORDER = "export";

/** What a worker tells: it serves. */
export interface ReadyEvent {
  /** Where, in the order of the configuration. */
  readonly urls: readonly string[];
}

/** The lines of a stream, without their ends. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** One line. */
export function lineOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
