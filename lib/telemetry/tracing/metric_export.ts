/**
 * Sends all metrics now and then. A request that is lost costs nothing: the next has the same totals.
 *
 * @module
 */
import { backgroundTimer } from "../background_timer.ts";
import type { Registry } from "../metrics.ts";
import { jsonBody, type OtlpTarget, sendOtlp, type Sent } from "./otlp_client.ts";
import type { Resource } from "./otlp_json.ts";
import { metricsJson } from "./otlp_metrics.ts";

/** What is sent, how often, and who hears of it. */
export interface MetricExportOptions {
  readonly target: OtlpTarget;
  readonly resource: Resource;
  readonly registry: Registry;
  readonly everyMs: number;
  readonly onSent: (sent: Sent) => void;
}

/** See the module. Dispose it to stop. */
export class MetricExport implements Disposable {
  readonly #options: MetricExportOptions;
  readonly #ending = new AbortController();
  #timer: Disposable | undefined;

  constructor(options: MetricExportOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Sends them as they are now; at the latest when the signal aborts it is done. */
  async flush(signal: AbortSignal): Promise<void> {
    const { target, resource, registry, onSent } = this.#options;
    const sent = await sendOtlp(
      target,
      jsonBody(metricsJson(resource, registry)),
      AbortSignal.any([signal, this.#ending.signal]),
    );
    if (!this.#ending.signal.aborted) onSent(sent);
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#timer?.[Symbol.dispose]();
  }

  #arm(): void {
    this.#timer = backgroundTimer(async () => {
      await this.flush(this.#ending.signal);
      if (!this.#ending.signal.aborted) this.#arm();
    }, this.#options.everyMs);
  }
}
