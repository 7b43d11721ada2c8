/**
 * What every open dashboard gets, once a second: encoded once for all of them.
 *
 * @module
 */
import { backgroundTimer } from "../../telemetry/background_timer.ts";
import type { Overview } from "../../telemetry/overview.ts";
import { History } from "./history.ts";

/** What a feed is made of. */
export interface FeedOptions {
  /** Makes what is shown; of all processes of the gateway. */
  overview(): Promise<Overview>;
  /** The same of this process alone, at no cost; absent where there are others. */
  readonly own?: () => Overview;
  /** Dashboards that may be open. */
  viewersMax(): number;
  /** Told when an overview could not be made. */
  failed(reason: unknown): void;
}

const INTERVAL_MS = 1000;
/** A viewer that has not taken so many bytes misses what comes until it has. */
const WAITING_BYTES_MAX = 256 * 1024;
/** A dashboard that loses its connection comes back after so long, ms. */
const RETRY_MS = 2000;

/** See the module. Dispose it to end every viewer. */
export class DashboardFeed implements Disposable {
  readonly #options: FeedOptions;
  readonly #history = new History();
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #encoder = new TextEncoder();
  #timer: Disposable | undefined;
  #isClosed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Dashboards that are open. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Looks once a second from now on, also while nobody watches, where that costs nothing. */
  start(): void {
    this.#timer = backgroundTimer(() => {
      void this.tick().finally(() => {
        if (!this.#isClosed) this.start();
      });
    }, INTERVAL_MS);
  }

  /** Events for one more dashboard; `undefined` when there are too many, or the gateway ends. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.#isClosed || this.#viewers.size >= this.#options.viewersMax()) return undefined;
    let viewer: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        viewer = controller;
        this.#viewers.add(controller);
        const history = eventText("history", this.#history.columns());
        controller.enqueue(this.#encoder.encode(`retry: ${RETRY_MS}\n\n${history}`));
      },
      cancel: () => void this.#viewers.delete(viewer),
    }, { highWaterMark: WAITING_BYTES_MAX, size: ({ byteLength }) => byteLength });
  }

  /** Looks once. */
  async tick(): Promise<void> {
    const { own, overview, failed } = this.#options;
    if (this.#viewers.size === 0) {
      if (own !== undefined) this.#history.add(own());
      return;
    }
    try {
      const now = await overview();
      this.#history.add(now);
      this.#send(eventText("overview", now));
    } catch (reason) {
      failed(reason);
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    const bye = this.#encoder.encode(eventText("end", {}));
    for (const viewer of this.#viewers) {
      viewer.enqueue(bye);
      viewer.close();
    }
    this.#viewers.clear();
  }

  #send(text: string): void {
    const bytes = this.#encoder.encode(text);
    for (const viewer of this.#viewers) {
      if (viewer.desiredSize! > 0) viewer.enqueue(bytes);
    }
  }
}

function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
