/**
 * Collects spans that have ended and sends them on in batches. Calls never wait for it: what does not fit is dropped
 * and counted.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import { backgroundTimer } from "../background_timer.ts";
import { type OtlpTarget, sendOtlp, type Sent } from "./otlp_client.ts";
import type { Resource } from "./otlp_json.ts";
import { TraceWriter } from "./otlp_traces.ts";
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
  #spans: Span[] = [];
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
    if (this.#spans.length >= spansMax) return onDropped(1, "queue_full");
    this.#spans.push(span);
    if (this.#sending !== undefined || this.#isWaiting) return;
    if (this.#spans.length >= batchSpans) this.#start();
    else this.#timer ??= backgroundTimer(() => this.#start(), batchMs);
  };

  /** Resolves when everything taken so far is sent or dropped, at the latest when the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#notBeforeMs = 0;
    while (this.#spans.length > 0 && !signal.aborted && this.#notBeforeMs === 0) {
      this.#start();
      await Promise.race([this.#sending, aborted]);
    }
  }

  [Symbol.dispose](): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#timer?.[Symbol.dispose]();
    this.#drop(this.#spans.length, "ended");
  }

  /** Whether the receiver is left alone. */
  get #isWaiting(): boolean {
    return this.#notBeforeMs > 0;
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
    if (this.#ending.signal.aborted || this.#spans.length === 0) return;
    const { batchSpans, batchMs } = this.#options;
    const waitMs = Math.max(0, this.#notBeforeMs - monotonicMs());
    if (waitMs === 0 && this.#spans.length >= batchSpans) return this.#start();
    this.#timer ??= backgroundTimer(() => this.#start(), waitMs || batchMs);
  }

  async #send(): Promise<void> {
    const { target, batchSpans, onSent } = this.#options;
    const count = Math.min(this.#spans.length, batchSpans);
    if (count === 0) return;
    const body = this.#writer.write(this.#spans, count);
    const sent = await sendOtlp(target, body, this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    onSent(sent);
    if (sent.outcome === "later") {
      this.#notBeforeMs = monotonicMs() + (sent.afterMs ?? this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
      return;
    }
    this.#retryMs = RETRY_FIRST_MS;
    if (sent.outcome === "refused") this.#drop(count, "refused");
    else {
      this.#spans.splice(0, count);
      if (sent.refusedItems > 0) this.#options.onDropped(sent.refusedItems, "refused");
    }
  }

  #drop(count: number, reason: DropReason): void {
    this.#spans.splice(0, count);
    if (count > 0) this.#options.onDropped(count, reason);
  }
}
