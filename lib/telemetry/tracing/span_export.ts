/**
 * Collects spans that have ended and sends them on in batches. Calls never wait for it: what does not fit is dropped
 * and counted.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import { backgroundTimer } from "../background_timer.ts";
import { type OtlpTarget, protobufBody, sendOtlp, type Sent } from "./otlp_client.ts";
import type { Resource } from "./otlp_json.ts";
import { type TraceBatch, TraceWriter } from "./otlp_traces.ts";
import type { Span } from "./span.ts";

/** Why spans were not exported. */
export type DropReason = "queue_full" | "refused" | "ended";

/** What an export is about, and who hears of it. */
export interface SpanExportOptions {
  readonly target: OtlpTarget;
  readonly resource: Resource;
  /** Spans that may wait, those being sent included. */
  readonly spansMax: number;
  /** Spans of one request. */
  readonly batchSpans: number;
  /** Spans wait so long for company, ms. */
  readonly batchMs: number;
  readonly onDropped: (spans: number, reason: DropReason) => void;
  readonly onSent: (sent: Sent) => void;
}

/** After a failure it is tried again so much later, twice as long each time, ms. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** See the module. Dispose it to give up what waits. */
export class SpanExport implements Disposable {
  readonly #options: SpanExportOptions;
  readonly #writer: TraceWriter;
  readonly #ending = new AbortController();
  /** Those that are whole, in order; the first is the one being sent. */
  readonly #batches: TraceBatch[] = [];
  /** Spans in them. */
  #batched = 0;
  #timer: Disposable | undefined;
  #sending: Promise<void> | undefined;
  #retryMs = RETRY_FIRST_MS;
  /** While the receiver cannot be reached, nothing is tried before. */
  #notBeforeMs = 0;

  constructor(options: SpanExportOptions) {
    this.#options = options;
    this.#writer = new TraceWriter(options.resource);
  }

  /** Takes a span. */
  readonly take = (span: Span): void => {
    const { spansMax, batchSpans, batchMs, onDropped } = this.#options;
    if (this.#ending.signal.aborted) return onDropped(1, "ended");
    if (this.#waiting >= spansMax) return onDropped(1, "queue_full");
    this.#writer.put(span);
    if (this.#writer.spans >= batchSpans) this.#seal();
    if (this.#sending !== undefined || this.#isLeftAlone) return;
    if (this.#batches.length > 0) this.#start();
    else this.#timer ??= backgroundTimer(() => this.#start(), batchMs);
  };

  /** Resolves when everything taken so far is sent or dropped, at the latest when the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#notBeforeMs = 0;
    while (this.#waiting > 0 && !signal.aborted && this.#notBeforeMs === 0) {
      this.#start();
      await Promise.race([this.#sending, aborted]);
    }
  }

  [Symbol.dispose](): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#timer?.[Symbol.dispose]();
    const count = this.#waiting;
    if (count > 0) this.#options.onDropped(count, "ended");
  }

  /** Spans that have been taken and not sent. */
  get #waiting(): number {
    return this.#batched + this.#writer.spans;
  }

  get #isLeftAlone(): boolean {
    return this.#notBeforeMs > 0;
  }

  #seal(): void {
    const batch = this.#writer.take();
    this.#batches.push(batch);
    this.#batched += batch.spans;
  }

  #start(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#notBeforeMs = 0;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      this.#goOn();
    });
  }

  /** What came meanwhile. */
  #goOn(): void {
    if (this.#ending.signal.aborted || this.#waiting === 0) return;
    const waitMs = Math.max(0, this.#notBeforeMs - monotonicMs());
    if (waitMs === 0 && this.#batches.length > 0) return this.#start();
    this.#timer ??= backgroundTimer(() => this.#start(), waitMs || this.#options.batchMs);
  }

  async #send(): Promise<void> {
    const { target, onSent, onDropped } = this.#options;
    if (this.#batches.length === 0 && this.#writer.spans > 0) this.#seal();
    const [batch] = this.#batches;
    if (batch === undefined) return;
    const sent = await sendOtlp(target, protobufBody(batch.body), this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    onSent(sent);
    if (sent.outcome === "later") {
      this.#notBeforeMs = monotonicMs() + (sent.afterMs ?? this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
      return;
    }
    this.#retryMs = RETRY_FIRST_MS;
    this.#batches.shift();
    this.#batched -= batch.spans;
    const refused = sent.outcome === "refused" ? batch.spans : sent.refusedItems;
    if (refused > 0) onDropped(refused, "refused");
  }
}
