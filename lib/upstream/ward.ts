/**
 * A connection under supervision: calls that time out one after the other make it suspect, and a suspect
 * that does not answer a ping hangs.
 *
 * @module
 */
import type { Permit } from "../core/circuit.ts";
import type { Connection } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { ConnectionWatch } from "./connection_watch.ts";
import { atMost } from "../core/waiting.ts";

/** When a server that is there counts as hanging. */
export interface HangOptions {
  /** Calls in a row that were not answered in time; 0 for never. */
  readonly timeouts: number;
  /** A server that has not answered a ping for so long hangs, ms. */
  readonly pingMs: number;
}

/** See the module. Hands on what the endpoint wants to know. */
export class Ward implements ConnectionWatch {
  readonly #inner: ConnectionWatch;
  readonly #connection: Pick<Connection, "closed" | "abort">;
  readonly #options: HangOptions;
  readonly #onHang: (ward: Ward) => void;
  /** Resolves when the connection has ended, in whatever way. */
  readonly #ended: Promise<void>;
  ping: (() => Promise<unknown>) | undefined;
  #timeouts = 0;
  #isAsking = false;
  #isEnded = false;

  constructor(
    inner: ConnectionWatch,
    connection: Pick<Connection, "closed" | "abort">,
    options: HangOptions,
    onHang: (ward: Ward) => void,
  ) {
    this.#inner = inner;
    this.#connection = connection;
    this.#options = options;
    this.#onHang = onHang;
    const ended = () => void (this.#isEnded = true);
    this.#ended = connection.closed.then(ended, ended);
  }

  get usable(): boolean {
    return !this.#isEnded && this.#inner.usable;
  }

  get failures(): number {
    return this.#inner.failures;
  }

  get where(): unknown {
    return this.#inner.where;
  }

  get onSuperseded(): (() => void) | undefined {
    return this.#inner.onSuperseded;
  }

  set onSuperseded(move: (() => void) | undefined) {
    this.#inner.onSuperseded = move;
  }

  begin(): Permit {
    return this.#inner.begin();
  }

  answered(permit: Permit, answer: Message, failures: number): void {
    this.#timeouts = 0;
    this.#inner.answered(permit, answer, failures);
  }

  failed(permit: Permit, error: unknown): void {
    this.#inner.failed(permit, error);
    if (!(error instanceof GatewayError) || error.failure !== "UpstreamTimeout") return;
    this.#timeouts++;
    const isSuspect = this.#options.timeouts > 0 && this.#timeouts >= this.#options.timeouts;
    if (isSuspect && !this.#isAsking) void this.#look();
  }

  condemn(): void {
    this.#inner.condemn?.();
  }

  /** Ends the connection: calls that the server may have seen fail with an unknown outcome, the others as not sent. */
  end(): void {
    this.#isEnded = true;
    this.#connection.abort(new GatewayError("UpstreamUnavailable", "Cannot wait: it hangs"));
  }

  /** Whether the server answers a ping; any answer will do. */
  async answers(): Promise<boolean> {
    let hasAnswered = false;
    const answer = this.ping?.().then(() => hasAnswered = true);
    await atMost(this.#options.pingMs, Promise.any([this.#ended, answer ?? this.#ended]));
    return hasAnswered;
  }

  async #look(): Promise<void> {
    this.#isAsking = true;
    const isWell = await this.answers();
    this.#isAsking = false;
    if (isWell) this.#timeouts = 0;
    else if (!this.#isEnded) this.#onHang(this);
  }
}
