/**
 * MCP servers as child processes, stdio framing. A child is ended with everything it has started.
 *
 * On Windows there are no process groups and no watchdog: only the child itself is ended (untested).
 *
 * @module
 */
import type {
  Batch,
  Command,
  Connection,
  Endpoint,
  Peer,
  Transport,
} from "../lib/core/connection.ts";
import { monotonicMs } from "../lib/core/clock.ts";
import { type GatewayError, reasonOf, TransportError } from "../lib/core/errors.ts";
import { BUFFER_BYTES_MAX, MESSAGE_BYTES_MAX } from "../lib/core/limits.ts";
import { type Framed, framed } from "../lib/framing/framed.ts";
import { newline } from "../lib/framing/newline.ts";
import { PipeSink, PipeSource, readStderr } from "./process/pipes.ts";
import { OrphanWatchdog } from "./process/orphan_watchdog.ts";
import { COOKIE_VARIABLE, type ProcessTable, processTable } from "./process/table.ts";
import { ProcessTree } from "./process/tree.ts";

/** How children are run. */
export interface ChildOptions {
  /** Longest message taken from a child, bytes. */
  readonly messageBytesMax?: number;
  /** Bytes that may wait for a child. */
  readonly bufferBytesMax?: number;
  /** How long a child may take to end after its stdin was closed, and again after SIGTERM, ms. */
  readonly graceMs?: number;
  /** Told of each line on a child's stderr. Must be quick; floods are the caller's to limit. */
  readonly onStderr?: (line: string, peer: Peer) => void;
  /** Told when children cannot be guarded against a sudden end of the gateway. */
  readonly onWarning?: (text: string) => void;
  /** Where processes are looked up; for tests. */
  readonly table?: ProcessTable;
}

/** The `child` transport. Disposing it ends its watchdog; connections are their owners' to dispose, before. */
export interface ChildTransport extends Transport, AsyncDisposable {}

const GRACE_MS = 2_000;

/** Dials `endpoint.command` by starting it. */
export function child(options: ChildOptions = {}): ChildTransport {
  const gatewayCookie = crypto.randomUUID();
  const watchdog = new OrphanWatchdog(gatewayCookie, options.onWarning ?? (() => {}));
  const table = options.table ?? processTable();
  let startedCount = 0;
  return {
    name: "child",
    // deno-lint-ignore require-await -- a promise, so that every failure is a rejection
    async dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
      const { command } = endpoint;
      if (command === undefined) {
        throw new TransportError(`Cannot start ${endpoint.url}: it names no command`);
      }
      if (signal.aborted) {
        throw new TransportError(`Cannot start ${command.program}: ${reasonOf(signal.reason)}`);
      }
      const cookie = `${gatewayCookie}.${++startedCount}.`;
      const process = start(command, cookie);
      if (hasGroups) watchdog.guard(process.pid);
      return new ChildConnection(process, command.program, cookie, options, table, watchdog);
    },
    listen(endpoint: Endpoint) {
      const text = `Cannot listen on ${endpoint.url}: a child process is dialled, not listened on`;
      return Promise.reject(new TransportError(text));
    },
    [Symbol.asyncDispose]: () => watchdog[Symbol.asyncDispose](),
  };
}

const hasGroups = Deno.build.os !== "windows";

function start(command: Command, cookie: string): Deno.ChildProcess {
  // A gateway below a gateway keeps the outer cookie too: both must find all that is theirs.
  const inherited = Deno.env.get(COOKIE_VARIABLE) ?? "";
  try {
    return new Deno.Command(command.program, {
      args: [...command.args],
      env: { ...command.env, [COOKIE_VARIABLE]: `${inherited}${cookie}` },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      detached: hasGroups, // its own session, hence its own group: signals reach all of it
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new TransportError(`Cannot start ${command.program}: ${whyNotStarted(error, command)}`, {
      cause: error,
    });
  }
}

function whyNotStarted(error: unknown, { program, cwd }: Command): string {
  const reason = reasonOf(error);
  if (error instanceof Deno.errors.NotFound) {
    if (reason.includes("No such cwd")) return `no such working directory: ${cwd}`;
    return program.includes("/") ? "no such file (ENOENT)" : "no such program on PATH (ENOENT)";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "not executable (EACCES)";
  return reason;
}

class ChildConnection implements Connection {
  readonly kind = "connection";
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #process: Deno.ChildProcess;
  readonly #program: string;
  readonly #graceMs: number;
  readonly #output: PipeSource;
  readonly #input: PipeSink;
  readonly #streams: Framed;
  readonly #tree: ProcessTree;
  readonly #stderrEnd = new AbortController();
  readonly #stderrRead: Promise<void>;
  readonly #release: () => void;
  #isEnding = false;
  #disposal: Promise<void> | undefined;

  constructor(
    process: Deno.ChildProcess,
    program: string,
    cookie: string,
    options: ChildOptions,
    table: ProcessTable,
    watchdog: OrphanWatchdog,
  ) {
    const { messageBytesMax = MESSAGE_BYTES_MAX, bufferBytesMax = BUFFER_BYTES_MAX } = options;
    const { pid, status: exited } = process;
    const peer = { transport: "child", address: `pid ${pid}` };
    this.peer = peer;
    this.#process = process;
    this.#program = program;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#output = new PipeSource(process.stdout);
    this.#input = new PipeSink(process.stdin);
    this.#streams = framed(this.#output, this.#input, newline({ messageBytesMax }), {
      bufferBytesMax,
    });
    this.readable = this.#streams.readable;
    this.writable = this.#streams.writable;
    this.#tree = new ProcessTree({ pid, exited, cookie, hasGroup: hasGroups }, table);
    this.#release = () => watchdog.release(pid);
    const onLine = (line: string) => options.onStderr?.(line, peer);
    this.#stderrRead = readStderr(process.stderr, onLine, this.#stderrEnd.signal);
    this.closed = this.#watch();
    this.closed.catch(() => {}); // the owner may not care; without a listener it would end the process
  }

  abort(reason: GatewayError): void {
    this.#isEnding = true;
    const text = `Cannot go on with ${this.#program}: ${reason.message}`;
    this.#streams.fail(new TransportError(text, { cause: reason }));
    this.#tree.kill();
    this[Symbol.asyncDispose]().catch(() => {}); // told to whoever disposes
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  async #watch(): Promise<void> {
    const status = await this.#process.status;
    const wasEnding = this.#isEnding;
    this.#quietly(this.#input.abort());
    // Whatever it left behind may hold its stdout open, and would have no owner.
    this.#quietly(this.#tree.end(this.#graceMs).then(this.#release));
    await this.#streams.readingEnded;
    if (wasEnding || status.success) return;
    const how = status.signal === null
      ? `exited with code ${status.code}`
      : `ended by ${status.signal}`;
    throw new TransportError(`Cannot reach ${this.#program}: ${how}`);
  }

  async #dispose(): Promise<void> {
    this.#isEnding = true;
    const startMs = monotonicMs();
    await Promise.all([this.#flushed(), this.#tree.look()]);
    this.#streams.finish();
    const drained = this.#output.discardRest();
    this.#quietly(this.#input.close());
    const leftMs = Math.max(0, this.#graceMs - (monotonicMs() - startMs));
    try {
      await this.#tree.end(this.#graceMs, leftMs);
    } finally {
      this.#quietly(this.#output.cancel());
      this.#quietly(this.#input.abort());
      this.#stderrEnd.abort();
      await Promise.all([drained, this.#stderrRead]);
    }
    this.#release();
    await this.closed.catch(() => {}); // told to whoever waits for it
  }

  /** Waits until the child has taken everything, has exited, or the grace is over. */
  async #flushed(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, this.#graceMs));
    await Promise.race([this.#streams.flushed(), this.#process.status, timeout]);
    clearTimeout(timer);
  }

  /** Ends of pipes whose process has gone or is going: they fail when it was first. */
  #quietly(end: Promise<void>): void {
    end.catch(() => {});
  }
}
