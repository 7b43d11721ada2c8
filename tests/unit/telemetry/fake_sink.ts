import type { LogSink } from "../../../lib/telemetry/log_destination.ts";

/** A sink that keeps what it gets, and can be slow, short or broken on command. */
export class FakeSink implements LogSink {
  text = "";
  writes = 0;
  /** Thrown by writes while set. */
  failure: Error | undefined;
  /** Bytes taken by one write at most. */
  takesBytes = Infinity;
  #gate: Promise<void> = Promise.resolve();
  readonly #decoder = new TextDecoder();

  /** Holds every write back until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    await this.#gate;
    if (this.failure !== undefined) throw this.failure;
    const taken = bytes.subarray(0, this.takesBytes);
    this.text += this.#decoder.decode(taken, { stream: true });
    return taken.length;
  }

  /** Complete lines, parsed. */
  // deno-lint-ignore no-explicit-any
  get lines(): any[] {
    return this.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }
}

/** Counts dropped lines. */
export class FakeDropCounter {
  total = 0;
  inc(lines: number): void {
    this.total += lines;
  }
}
