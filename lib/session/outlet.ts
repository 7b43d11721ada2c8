/**
 * Where messages towards a client go: the one way out of a connection, the answer of one HTTP exchange, or a
 * stream that outlives exchanges.
 *
 * @module
 */
import { failure } from "../core/compose.ts";
import type { Exchange } from "../core/connection.ts";
import type { GatewayError } from "../core/errors.ts";
import { STREAM_PRIMING_MS } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { Outbox } from "../core/outbox.ts";
import type { Meter } from "./meter.ts";
import type { Stream } from "./stream.ts";
import type { SessionStreams } from "./streams.ts";

/** A way to a client. */
export interface Outlet {
  /** Whether something sent now can still arrive. */
  readonly open: boolean;
  /** Whether it can arrive soon: the client is there, or only just lost. */
  readonly awaited: boolean;
  /** Whether messages other than the answer can be sent here. */
  readonly streams: boolean;
  /** Sends a notification or request; resolves when there is room for more, rejects when it cannot arrive. */
  send(message: Message): Promise<void>;
  /** Sends the answer. */
  answer(message: Message): void;
  /** Answers with an error of the gateway. */
  refuse(error: GatewayError, id: Uint8Array | undefined): void;
  /** Ends without an answer: the client cancelled the call. */
  drop(): void;
  /** Called about every second while the answer is not there. */
  waitOn?(nowMs: number): void;
}

/** The way out of a connection: everything shares it. */
export class ConnectionOutlet implements Outlet {
  readonly streams = true;
  readonly #outbox: Outbox;
  readonly #meter: Meter;

  constructor(outbox: Outbox, meter: Meter) {
    this.#outbox = outbox;
    this.#meter = meter;
  }

  get open(): boolean {
    return !this.#outbox.failed;
  }

  get awaited(): boolean {
    return this.open;
  }

  send(message: Message): Promise<void> {
    this.answer(message);
    return this.#outbox.full ? this.#outbox.ready() : ROOM;
  }

  answer(message: Message): void {
    this.#meter.sent(message);
    this.#outbox.push(message);
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    this.answer(failure(id, error));
  }

  drop(): void {
    // nothing was promised to the client
  }
}

/** The general stream of a session over HTTP. */
export class GeneralOutlet implements Outlet {
  readonly open = true;
  readonly streams = true;
  readonly #streams: SessionStreams;
  readonly #meter: Meter;

  constructor(streams: SessionStreams, meter: Meter) {
    this.#streams = streams;
    this.#meter = meter;
  }

  get awaited(): boolean {
    return this.#streams.general.isCarried;
  }

  send(message: Message): Promise<void> {
    this.#meter.sent(message);
    return this.#streams.general.send(message);
  }

  answer(message: Message): void {
    void this.send(message);
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    this.answer(failure(id, error));
  }

  drop(): void {
    // the session closes all of its streams
  }
}

/**
 * The answer of one HTTP exchange: one JSON document, or a stream that can be resumed once something else was
 * sent or the answer lets wait for itself.
 */
export class ExchangeOutlet implements Outlet {
  readonly #exchange: Exchange;
  readonly #streams: SessionStreams;
  readonly #meter: Meter;
  readonly #openedMs: number;
  #stream: Stream | undefined;

  /**
   * @param streams of the session that the exchange belongs to
   * @param openedMs monotonic ms
   */
  constructor(exchange: Exchange, streams: SessionStreams, meter: Meter, openedMs: number) {
    this.#exchange = exchange;
    this.#streams = streams;
    this.#meter = meter;
    this.#openedMs = openedMs;
  }

  get open(): boolean {
    return this.#stream === undefined ? !this.#exchange.gone : this.#stream.endedMs === undefined;
  }

  get awaited(): boolean {
    return this.#stream === undefined ? !this.#exchange.gone : this.#stream.isAwaited;
  }

  get streams(): boolean {
    return this.#exchange.streams;
  }

  /** Whether the client can resume it. */
  get isStream(): boolean {
    return this.#stream !== undefined;
  }

  send(message: Message): Promise<void> {
    this.#meter.sent(message);
    if (this.#stream !== undefined) return this.#stream.send(message);
    const { gone, streams } = this.#exchange;
    if (gone || !streams) return this.#exchange.send([message]); // which says why it cannot
    return this.#openStream().send(message);
  }

  answer(message: Message): void {
    this.#meter.sent(message);
    if (this.#stream === undefined) this.#exchange.finish(message);
    else this.#stream.end(message);
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    if (this.#stream === undefined) this.#exchange.refuse(error, id);
    else this.answer(failure(id, error));
  }

  drop(): void {
    if (this.#stream === undefined) return this.#exchange.finish();
    this.#streams.cancel(this.#stream);
  }

  /**
   * Opens the stream in time, so that a client that loses the connection can come back for the answer; others are
   * shown that they still wait for something.
   */
  waitOn(nowMs: number): void {
    if (this.#stream !== undefined) return;
    const { gone, streams } = this.#exchange;
    const waitedMs = nowMs - this.#openedMs;
    if (waitedMs < STREAM_PRIMING_MS || gone || !streams || !this.#streams.primes) {
      this.#exchange.waitOn?.(waitedMs);
    } else this.#openStream();
  }

  #openStream(): Stream {
    this.#stream = this.#streams.open();
    this.#stream.carry(this.#exchange);
    return this.#stream;
  }
}

/** The answers to a batch over HTTP: events of one stream, which ends with the last of them. */
export class BatchOutlet implements Outlet {
  readonly streams = true;
  readonly #streams: SessionStreams;
  readonly #stream: Stream;
  readonly #meter: Meter;
  #awaiting: number;

  /**
   * @param streams of the session that the exchange belongs to
   * @param answersExpected requests in the batch, and elements to be refused
   */
  constructor(
    exchange: Exchange,
    streams: SessionStreams,
    meter: Meter,
    answersExpected: number,
  ) {
    this.#streams = streams;
    this.#stream = streams.open();
    this.#stream.carry(exchange);
    this.#meter = meter;
    this.#awaiting = answersExpected;
  }

  get open(): boolean {
    return this.#stream.endedMs === undefined;
  }

  get awaited(): boolean {
    return this.#stream.isAwaited;
  }

  send(message: Message): Promise<void> {
    this.#meter.sent(message);
    return this.#stream.send(message);
  }

  answer(message: Message): void {
    if (--this.#awaiting > 0) return void this.send(message);
    this.#meter.sent(message);
    this.#stream.end(message);
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    this.answer(failure(id, error));
  }

  drop(): void {
    if (--this.#awaiting > 0) return;
    this.#streams.cancel(this.#stream);
  }
}

const ROOM = Promise.resolve();
