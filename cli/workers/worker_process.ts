/**
 * One worker, as its supervisor sees it: this very program, started again.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  EXPORT_ORDER,
  type FirstOrder,
  lineOf,
  linesOf,
  type ReadyEvent,
  WORKER_FLAG,
} from "./orders.ts";

/** Runs until it ends by itself, or is told to. */
export class WorkerProcess {
  /** Where it serves; `undefined` when it has ended before it could. */
  readonly ready: Promise<ReadyEvent | undefined>;
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Starts it, with a process group of its own: Ctrl-C at the terminal is for the supervisor.
   *
   * @param argv the command line of the gateway, from `serve` on
   */
  constructor(argv: readonly string[], order: FirstOrder) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...programArgs(), ...asWorker(argv)],
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#say(order);
    this.ready = firstLineOf(this.#child.stdout);
    this.ended = this.#child.status.then(async (status) => {
      await this.#input.close().catch(() => {}); // its end of the pipe has gone with it
      return status;
    });
  }

  /** Leader of its process group. */
  get pid(): number {
    return this.#child.pid;
  }

  /** It exports by shared memory from now on. */
  export(): void {
    this.#say(EXPORT_ORDER);
  }

  /** Sends it a signal, if it still runs. */
  signal(name: Deno.Signal): void {
    try {
      this.#child.kill(name);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // it has ended
    }
  }

  #say(value: unknown): void {
    this.#input.write(lineOf(value)).catch(() => {}); // it has ended, which `ended` tells
  }
}

/** Reads on afterwards, so that the pipe never fills. */
function firstLineOf(stream: ReadableStream<Uint8Array>): Promise<ReadyEvent | undefined> {
  return new Promise((resolve) => {
    void (async () => {
      for await (const line of linesOf(stream)) resolve(JSON.parse(line));
    })().catch(() => {}).finally(() => resolve(undefined)); // what is no line of ours comes from one that ends
  });
}

function asWorker(argv: readonly string[]): string[] {
  const [command, ...rest] = argv;
  return [command, WORKER_FLAG, ...rest];
}

/** This very program: compiled, or its source under Deno. */
function programArgs(): string[] {
  if (Deno.build.standalone) return [];
  return ["run", "--allow-all", "--quiet", fileURLToPath(Deno.mainModule)];
}
