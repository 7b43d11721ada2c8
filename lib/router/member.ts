/**
 * One of several servers behind one endpoint.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";
import type { NameFilter } from "../core/globs.ts";
import { Running } from "./running.ts";

/** What a member is made from. */
export interface MemberOptions {
  readonly name: string;
  /** Before `__` in the names of its tools and prompts. */
  readonly prefix: string;
  /** Makes its upstream; anew after it was stopped. */
  readonly open: () => Upstream;
  /** Which of its tools exist for clients. */
  readonly tools: NameFilter;
  /** `eager`: reached when the gateway starts; `lazy`: for the first client. */
  readonly start: "eager" | "lazy";
  /** Connections unused for so long are closed, ms; 0 for never. */
  readonly idleStopMs: number;
  /** The same for the same endpoint only: what is known of another must not be shown. */
  readonly fingerprint: string;
  /** What all its upstreams need; disposed after the last of them. */
  readonly owned?: AsyncDisposable;
}

/** A client's connection to a member, which may be given up while nobody uses it. */
export interface Resting {
  /** When it was last used, monotonic ms; `undefined` while it may not be given up. */
  readonly unusedSinceMs: number | undefined;
  /** Closes the connection; the next call opens it again. */
  rest(): void;
}

/** A member and its upstream. Dispose it to end both. */
export class Member implements AsyncDisposable {
  /** No other member of the gateway has it, those that have left included. */
  readonly number: number;
  readonly name: string;
  readonly prefix: string;
  readonly start: "eager" | "lazy";
  readonly fingerprint: string;
  readonly #open: () => Upstream;
  readonly #idleStopMs: number;
  readonly #seats = new Set<Resting>();
  readonly #running = new Running();
  readonly #ended = Promise.withResolvers<void>();
  readonly #stopping = new Set<Promise<void>>();
  #options: MemberOptions;
  #upstream: Upstream | undefined;
  #ending: Promise<void> | undefined;
  #calls = 0;
  #isClosed = false;
  #lastUsedMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(number: number, options: MemberOptions) {
    this.number = number;
    this.#options = options;
    this.name = options.name;
    this.prefix = options.prefix;
    this.start = options.start;
    this.fingerprint = options.fingerprint;
    this.#open = options.open;
    this.#idleStopMs = options.idleStopMs;
  }

  /** What it is made from. */
  get options(): MemberOptions {
    return this.#options;
  }

  /** Which of its tools exist for clients. */
  get tools(): NameFilter {
    return this.#options.tools;
  }

  /** Takes over what can be different without a new upstream: which of its tools exist. */
  adopt(options: MemberOptions): void {
    this.#options = { ...this.#options, tools: options.tools };
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Calls in flight. */
  get load(): number {
    return this.#upstream?.load() ?? 0;
  }

  /** Whether a call handed over now has a chance. */
  get ready(): boolean {
    return this.#upstream?.ready() ?? true;
  }

  /** Hands a call over. Rejects with a `GatewayError`. */
  async handle(call: Call): Promise<Message | undefined> {
    const upstream = this.#used();
    this.#calls++;
    try {
      return await upstream.handle(call);
    } finally {
      this.#calls--;
      this.#lastUsedMs = monotonicMs();
    }
  }

  /** Gets ready for a session. Rejects with a `GatewayError`. */
  async prepare(session: Session): Promise<void> {
    await this.#used().prepare?.(session);
  }

  /** Does what a client waits for; {@link Member.retire} waits too. */
  async serve<T>(work: () => Promise<T>): Promise<T> {
    return await this.#running.during(work);
  }

  /** It will end soon: see {@link Upstream.drain}. */
  drain(): void {
    this.#upstream?.drain?.();
  }

  /** Lets it finish what clients wait for, for so many ms at most, then ends it. */
  async retire(drainMs: number): Promise<void> {
    this.drain();
    await this.#running.idle(drainMs);
    await this[Symbol.asyncDispose]();
  }

  /** From now on a client's connection is closed when it is idle. */
  seat(seat: Resting): void {
    this.#seats.add(seat);
  }

  /** The client has gone. */
  leave(seat: Resting): void {
    this.#seats.delete(seat);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ending ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const seat of this.#seats) seat.rest();
    this.#stop();
    await Promise.all(this.#stopping);
    await this.options.owned?.[Symbol.asyncDispose]();
    this.#ended.resolve();
  }

  #used(): Upstream {
    if (this.#isClosed) throw closed(this.name);
    this.#lastUsedMs = monotonicMs();
    if (this.#idleStopMs > 0) this.#timer ??= setTimeout(this.#sweep, this.#idleStopMs);
    return this.#upstream ??= this.#open();
  }

  #stop(): void {
    if (this.#upstream === undefined) return;
    const stopping = Promise.resolve(this.#upstream[Symbol.asyncDispose]())
      .finally(() => this.#stopping.delete(stopping));
    this.#upstream = undefined;
    this.#stopping.add(stopping);
  }

  readonly #sweep = (): void => {
    const idleSinceMs = monotonicMs() - this.#idleStopMs;
    let nextMs = this.#idleStopMs;
    let areAllResting = true;
    for (const seat of this.#seats) {
      const sinceMs = seat.unusedSinceMs;
      if (sinceMs !== undefined && sinceMs <= idleSinceMs) seat.rest();
      else {
        areAllResting = false;
        if (sinceMs !== undefined) nextMs = Math.min(nextMs, sinceMs - idleSinceMs);
      }
    }
    const isIdle = this.#calls === 0 && this.load === 0 && this.#lastUsedMs <= idleSinceMs;
    if (areAllResting && isIdle) {
      this.#stop(); // connections that belong to no single client end with it
      this.#timer = undefined;
    } else this.#timer = setTimeout(this.#sweep, Math.max(1, Math.ceil(nextMs)));
  };
}

function closed(name: string): GatewayError {
  return new GatewayError("UpstreamUnavailable", `Cannot use upstream ${name}: closed`, {
    data: { outcome: "not_sent" },
  });
}
