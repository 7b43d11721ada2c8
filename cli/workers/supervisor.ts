/**
 * The parent of several workers: starts them, starts those again that end by themselves, and ends when they
 * all have. It serves nobody itself.
 *
 * @module
 */
import { reasonOf } from "../../lib/core/errors.ts";
import type { Logger } from "../../lib/telemetry/logger.ts";
import { RestartIntensity, type RestartOptions } from "../../lib/upstream/restart_intensity.ts";
import type { OrphanWatchdog } from "../../transports/process/orphan_watchdog.ts";
import type { WorkerPlace } from "../../transports/workers/group.ts";
import type { ReadyEvent } from "./orders.ts";
import type { Ports } from "./ports.ts";
import { WorkerProcess } from "./worker_process.ts";

/** What a supervisor is made of. */
export interface SupervisorParts {
  /** The command line of the gateway, from `serve` on. */
  readonly argv: readonly string[];
  /** What all workers share. */
  readonly common: Omit<WorkerPlace, "number">;
  readonly ports: Ports;
  /** Whether one of them exports by shared memory. */
  readonly exports: boolean;
  readonly log: Logger;
  /** Ends workers whose supervisor was killed. */
  readonly watchdog: OrphanWatchdog;
}

/** The place of one worker, whichever process has it. */
interface Seat {
  readonly number: number;
  readonly intensity: RestartIntensity;
  restarts: number;
  process: WorkerProcess | undefined;
  isReady: boolean;
  /** It is to read the configuration once more as soon as it is ready. */
  isStale: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** A worker that ends more often than that is left alone for a while; the others go on. */
const RESTARTS: RestartOptions = {
  max: 5,
  windowMs: 60_000,
  coolDownMs: 5_000,
  coolDownMaxMs: 60_000,
};

/** One that does not serve after so long is killed, ms: a start takes less than a second. */
const START_MS = 60_000;

/** See the module. */
export class Supervisor {
  /** Resolves when no worker is left, and none may be started for now. */
  readonly failed: Promise<void>;
  readonly #parts: SupervisorParts;
  readonly #seats: readonly Seat[];
  readonly #failed = Promise.withResolvers<void>();
  #exporter: Seat | undefined;
  #isStopping = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.failed = this.#failed.promise;
    this.#seats = Array.from({ length: parts.common.count }, (_, i) => ({
      number: i + 1,
      intensity: new RestartIntensity(RESTARTS),
      restarts: 0,
      process: undefined,
      isReady: false,
      isStale: false,
      timer: undefined,
    }));
  }

  /**
   * Starts the first worker, which finds out whether the configuration can be served.
   *
   * @returns where it serves; its exit code when it does not
   */
  async startFirst(): Promise<ReadyEvent | number> {
    const [seat] = this.#seats;
    const process = this.#spawn(seat);
    const ready = await process.ready;
    if (ready === undefined) {
      this.#isStopping = true;
      return (await process.ended).code;
    }
    this.#look(seat, process);
    return ready;
  }

  /** Starts the others. Resolves when each is ready, or has ended. */
  async startOthers(): Promise<void> {
    if (this.#isStopping) return;
    const others = this.#seats.slice(1).map((seat) => this.#start(seat));
    await Promise.all(others.map(({ ready }) => ready));
  }

  /** Lets all workers read the configuration again. SIGHUP would end one that is not ready. */
  reload(): void {
    for (const seat of this.#seats) {
      if (seat.isReady) seat.process?.signal("SIGHUP");
      else seat.isStale = true;
    }
  }

  /**
   * Ends all workers in order.
   *
   * @param atOnce they end without waiting for calls when it aborts
   * @param deadlineMs after so long they are killed, ms
   */
  async stop(atOnce: AbortSignal, deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    for (const { timer } of this.#seats) clearTimeout(timer);
    this.#signalAll("SIGTERM");
    const onAtOnce = () => this.#signalAll("SIGTERM");
    atOnce.addEventListener("abort", onAtOnce, { once: true });
    if (atOnce.aborted) onAtOnce();
    const killing = setTimeout(() => this.#signalAll("SIGKILL"), deadlineMs);
    await Promise.all(this.#seats.map(({ process }) => process?.ended));
    clearTimeout(killing);
    atOnce.removeEventListener("abort", onAtOnce);
  }

  #signalAll(name: Deno.Signal): void {
    for (const { process } of this.#seats) process?.signal(name);
  }

  #start(seat: Seat): WorkerProcess {
    const process = this.#spawn(seat);
    this.#look(seat, process);
    return process;
  }

  #spawn(seat: Seat): WorkerProcess {
    const { argv, common, ports, watchdog } = this.#parts;
    const place = { ...common, number: seat.number };
    const process = new WorkerProcess(argv, { place, restarts: seat.restarts, ports });
    seat.intensity.started(seat);
    seat.process = process;
    watchdog.guard(process.pid);
    void process.ended.finally(() => watchdog.release(process.pid));
    const hanging = setTimeout(() => process.signal("SIGKILL"), START_MS);
    void process.ready.finally(() => clearTimeout(hanging));
    return process;
  }

  #look(seat: Seat, process: WorkerProcess): void {
    void process.ready.then((ready) => {
      if (ready === undefined) return;
      seat.isReady = true;
      if (seat.isStale) process.signal("SIGHUP");
      seat.isStale = false;
      this.#parts.log.debug("worker serves", { worker: seat.number, process: process.pid });
      this.#chooseExporter();
    });
    void process.ended.then((status) => this.#onEnded(seat, status));
  }

  #onEnded(seat: Seat, { code, signal }: Deno.CommandStatus): void {
    seat.process = undefined;
    seat.isReady = false;
    if (this.#isStopping) return;
    const { log } = this.#parts;
    log.warn("worker ended", { worker: seat.number, code, ...signal !== null && { signal } });
    if (this.#exporter === seat) this.#exporter = undefined;
    this.#chooseExporter();
    seat.restarts++;
    const isTooOften = seat.intensity.ended(seat);
    const { waitMs } = seat.intensity;
    if (isTooOften) log.error("worker ends too often", { worker: seat.number, waitMs });
    if (waitMs === 0) return this.#restart(seat);
    seat.timer = setTimeout(() => this.#restart(seat), waitMs);
    if (this.#seats.every(({ process }) => process === undefined)) this.#failed.resolve();
  }

  #restart(seat: Seat): void {
    try {
      this.#start(seat);
    } catch (error) { // no process or no descriptor left: as if it had ended at once
      this.#parts.log.error("worker cannot be started", { reason: reasonOf(error) });
      seat.intensity.started(seat);
      this.#onEnded(seat, { success: false, code: 1, signal: null });
    }
  }

  /** One worker exports; when it has gone another takes over. */
  #chooseExporter(): void {
    if (!this.#parts.exports || this.#exporter !== undefined || this.#isStopping) return;
    this.#exporter = this.#seats.find(({ isReady }) => isReady);
    this.#exporter?.process?.export();
  }
}
