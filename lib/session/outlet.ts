/**
 * Where messages towards a client go: the one way out of a connection, or the answer of one HTTP
 * exchange.
 *
 * @module
 */
import { failure } from "../core/compose.ts";
import type { Exchange } from "../core/connection.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { Outbox } from "../core/outbox.ts";
import type { Meter } from "./meter.ts";

/** A way to a client. */
export interface Outlet {
  /** Whether something sent now can still arrive. */
  readonly open: boolean;
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

/** The answer of one HTTP exchange: one JSON document, or an event stream once something else was sent. */
export class ExchangeOutlet implements Outlet {
  readonly #exchange: Exchange;
  readonly #meter: Meter;
  #streaming = false;

  constructor(exchange: Exchange, meter: Meter) {
    this.#exchange = exchange;
    this.#meter = meter;
  }

  get open(): boolean {
    return !this.#exchange.gone;
  }

  get streams(): boolean {
    return this.#exchange.streams;
  }

  send(message: Message): Promise<void> {
    this.#streaming = true;
    this.#meter.sent(message);
    return this.#exchange.send([message]);
  }

  answer(message: Message): void {
    this.#meter.sent(message);
    this.#exchange.finish(message);
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    if (this.#streaming) this.answer(failure(id, error));
    else this.#exchange.refuse(error, id);
  }

  drop(): void {
    this.#exchange.finish();
  }
}

/** The answers to a batch over HTTP: events of one stream, which ends with the last of them. */
export class BatchOutlet implements Outlet {
  readonly streams = true;
  readonly #exchange: Exchange;
  readonly #meter: Meter;
  #open: number;

  /** @param answersExpected requests in the batch, and elements to be refused */
  constructor(exchange: Exchange, meter: Meter, answersExpected: number) {
    this.#exchange = exchange;
    this.#meter = meter;
    this.#open = answersExpected;
  }

  get open(): boolean {
    return !this.#exchange.gone;
  }

  send(message: Message): Promise<void> {
    this.#meter.sent(message);
    return this.#exchange.send([message]);
  }

  answer(message: Message): void {
    this.send(message).catch(() => {}); // the client has gone
    this.drop();
  }

  refuse(error: GatewayError, id: Uint8Array | undefined): void {
    this.answer(failure(id, error));
  }

  drop(): void {
    if (--this.#open === 0) this.#exchange.finish();
  }
}

const ROOM = Promise.resolve();
