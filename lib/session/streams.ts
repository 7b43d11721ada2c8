/**
 * The streams of one session over HTTP: one for each call that streams, and the general one.
 *
 * @module
 */
import type { Exchange } from "../core/connection.ts";
import { LogBudget } from "../core/event_log.ts";
import { GatewayError } from "../core/errors.ts";
import { STREAM_KEPT_MS, STREAMS_BYTES_MAX, STREAMS_CANCELLED_MAX } from "../core/limits.ts";
import { ID_SEPARATOR, Stream } from "./stream.ts";

/** From this version on clients take events without data; older ones fail on them. */
const PRIMING_VERSION = "2025-11-25";

/** What the streams of this process hold together. */
const PROCESS_LOGS = new LogBudget(STREAMS_BYTES_MAX);

/** Opens, finds and forgets streams. */
export class SessionStreams {
  readonly #client: { readonly protocolVersion: string | undefined };
  readonly #budget: LogBudget;
  readonly #streams = new Map<string, Stream>();
  /** Ids of the last ones that ended without an answer. */
  readonly #cancelled: string[] = [];
  #general: Stream | undefined;

  /**
   * @param client whose streams these are
   * @param budget what all logs may hold together
   */
  constructor(
    client: { readonly protocolVersion: string | undefined },
    budget: LogBudget = PROCESS_LOGS,
  ) {
    this.#client = client;
    this.#budget = budget;
  }

  /** For messages that belong to no call. */
  get general(): Stream {
    return this.#general ??= this.open();
  }

  /** Whether the client takes events without data. */
  get primes(): boolean {
    const { protocolVersion } = this.#client;
    return protocolVersion !== undefined && protocolVersion >= PRIMING_VERSION; // versions are dates
  }

  /** Opens a stream. */
  open(): Stream {
    const stream = new Stream(this.#budget, () => this.primes);
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /**
   * Carries on the stream of an event, behind it.
   *
   * @throws {GatewayError} InvalidRequest with status 404 when that is not possible (any more)
   */
  resume(exchange: Exchange, lastEventId: string): void {
    const at = lastEventId.lastIndexOf(ID_SEPARATOR);
    const id = lastEventId.slice(0, Math.max(at, 0));
    // 204 is what ends the reconnecting of a client that gets nothing more (WHATWG HTML, 9.2.1).
    if (this.#cancelled.includes(id)) return exchange.accept(204);
    const stream = this.#streams.get(id);
    const digits = lastEventId.slice(at + 1);
    const sequence = /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
    if (stream === undefined || !stream.knows(sequence)) {
      throw new GatewayError(
        "InvalidRequest",
        "Cannot resume stream: the event is unknown or forgotten",
        { status: 404 },
      );
    }
    if (stream.isOverAfter(sequence)) return exchange.accept(204);
    stream.carry(exchange, sequence);
  }

  /** Ends the stream of a call that was cancelled: there will be no answer. */
  cancel(stream: Stream): void {
    stream.close({});
    this.#streams.delete(stream.id);
    if (this.#cancelled.push(stream.id) > STREAMS_CANCELLED_MAX) this.#cancelled.shift();
  }

  /** Forgets the streams that ended long ago. */
  sweep(nowMs: number): void {
    for (const stream of this.#streams.values()) {
      const { endedMs } = stream;
      if (endedMs === undefined || stream.isCarried) continue;
      if (!stream.isForgotten && nowMs - endedMs <= STREAM_KEPT_MS) continue;
      this.#streams.delete(stream.id);
      stream.forget();
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }
}
