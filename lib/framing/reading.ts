/**
 * The receiving direction of a framed connection: bytes to batches.
 *
 * @module
 */
import type { Batch, BatchHandler, Codec, Decoder } from "../core/connection.ts";
import type { TransportError } from "../core/errors.ts";
import { broken, type ByteSource, settleQuietly } from "./bytes.ts";
import { Ending } from "./ending.ts";

/** Decodes what a source brings, for a stream or for {@link Reading.receive}; whoever comes first has it. */
export class Reading {
  readonly #ending = new Ending();
  readonly #source: ByteSource;
  readonly #decoder: Decoder;
  #stream: ReadableStream<Batch> | undefined;
  #controller: ReadableStreamDefaultController<Batch> | undefined;
  #receiver: PromiseWithResolvers<void> | undefined;
  #onBatch: BatchHandler | undefined;
  #isHandling = false;
  /** The last batch has been decoded. */
  #isLast = false;

  constructor(source: ByteSource, codec: Codec) {
    this.#source = source;
    this.#decoder = codec.decoder();
  }

  /** Resolves when nothing more will come; rejects with a `TransportError` when the source broke. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  /** The batches. Made on first use: most connections are received directly, and a stream costs 3 KB. */
  get stream(): ReadableStream<Batch> {
    return this.#stream ??= new ReadableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
        const { isOver, error } = this.#ending;
        if (error !== undefined) controller.error(error);
        else if (isOver) controller.close();
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.#cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** See `DirectPath.receive`. */
  receive(onBatch: BatchHandler): Promise<void> {
    this.#receiver = Promise.withResolvers<void>();
    this.#onBatch = onBatch;
    this.#readOn();
    return this.#receiver.promise;
  }

  /** Ends as if the peer had. */
  finish(): void {
    if (this.#ending.isOver) return;
    this.#ending.come();
    this.#controller?.close();
    if (!this.#isHandling) this.#receiver?.resolve();
  }

  /** Breaks the direction and cancels the source. */
  fail(error: TransportError): void {
    if (this.#ending.isOver) return;
    this.#ending.come(error);
    this.#controller?.error(error);
    if (!this.#isHandling) this.#receiver?.reject(error);
    settleQuietly(() => this.#source.cancel(error));
  }

  async #pull(): Promise<void> {
    try {
      for (let isDelivered = false; !isDelivered && !this.#ending.isOver;) {
        const batch = this.#decode(await this.#source.read());
        isDelivered = batch.length > 0;
        if (isDelivered) this.#controller!.enqueue(batch);
        if (this.#isLast) this.finish();
      }
    } catch (error) {
      this.fail(broken("read from", error));
    }
  }

  /**
   * No async function: while it waited for the next read it would keep the last batch. Those of 1000 connections
   * were 4 MB, which each collection copied (Deno 2.9.6).
   */
  #readOn(): void {
    const { isOver, error } = this.#ending;
    if (!isOver) this.#source.read().then(this.#onChunk, this.#onBroken);
    else if (error === undefined) this.#receiver!.resolve();
    else this.#receiver!.reject(error);
  }

  readonly #onChunk = (chunk: Uint8Array | null): void => {
    let batch: Batch;
    try {
      batch = this.#decode(chunk);
    } catch (error) {
      return this.#onBroken(error);
    }
    this.#isHandling = true;
    let goesOn: boolean | Promise<boolean>;
    try {
      goesOn = batch.length === 0 || this.#onBatch!(batch);
    } catch (error) {
      return this.#onThrown(error);
    }
    if (typeof goesOn === "boolean") this.#onHandled(goesOn);
    else goesOn.then(this.#onHandled, this.#onThrown);
  };

  readonly #onHandled = (goesOn: boolean): void => {
    if (!goesOn) settleQuietly(() => this.#cancel());
    this.#isHandling = false;
    if (this.#isLast) this.finish();
    this.#readOn();
  };

  readonly #onThrown = (thrown: unknown): void => {
    this.#isHandling = false;
    settleQuietly(() => this.#cancel(thrown));
    this.#receiver!.reject(thrown);
  };

  readonly #onBroken = (thrown: unknown): void => this.fail(broken("read from", thrown));

  /** What a read has brought; nothing once the direction is over. */
  #decode(chunk: Uint8Array | null): Batch {
    if (this.#ending.isOver) return NOTHING;
    const batch = chunk === null ? this.#decoder.end() : this.#decoder.push(chunk);
    this.#isLast = chunk === null;
    if (batch.at(-1)?.problem?.fatal) {
      this.#isLast = true;
      settleQuietly(() => this.#source.cancel());
    }
    return batch;
  }

  #cancel(reason?: unknown): void | Promise<void> {
    if (this.#ending.isOver) return;
    this.#ending.come();
    return this.#source.cancel(reason);
  }
}

const NOTHING: Batch = [];
