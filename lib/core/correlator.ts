/**
 * Brings answers back to their questions. One correlator belongs to one direction of one connection:
 * it gives out ids of its own, so that any number of askers may use the same ids at once.
 *
 * @module
 */
import { monotonicMs } from "./clock.ts";
import { GatewayError } from "./errors.ts";
import type { Message } from "./message.ts";
import { IdTable } from "./id_table.ts";
import { idBytes, idNumber } from "./message_id.ts";

/** Limits of a correlator. */
export interface CorrelatorOptions<Tag> {
  /** A question without answer and without progress fails after this, ms. */
  readonly deadlineMs: number;
  /** A question fails after this whatever its progress, ms. */
  readonly hardDeadlineMs: number;
  /** Questions that may be open at once. */
  readonly openMax: number;
  /** Told of each question that failed by its deadline, before its promise rejects. */
  readonly onExpired?: (ticket: Ticket<Tag>) => void;
  /** What to call the one who did not answer, in the error. */
  readonly peer: string;
}

/** An open question. */
export interface Ticket<Tag> {
  /** The id it travels under. */
  readonly id: Uint8Array;
  /** Whatever the asker wants back with the ticket. */
  readonly tag: Tag;
  /** The answer, still under the ticket's id. Rejects with a `GatewayError`. */
  readonly answer: Promise<Message>;
}

interface Entry<Tag> extends Ticket<Tag> {
  readonly number: number;
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: GatewayError) => void;
  dueMs: number;
  readonly hardMs: number;
}

/** How exact deadlines are, ms. One timer looks at all questions: a timer per call would cost more than the call. */
const SWEEP_MS = 100;

/** Open questions by id. Dispose it to fail what is open and stop its timer. */
export class Correlator<Tag> implements Disposable {
  readonly #options: CorrelatorOptions<Tag>;
  readonly #open = new IdTable<Entry<Tag>>();
  #last = 0;
  #holds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CorrelatorOptions<Tag>) {
    this.#options = options;
  }

  /** Open questions. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a question.
   *
   * @param isEndless whether no deadline applies: it is open for as long as its asker wants
   * @throws {GatewayError} Overloaded when too many are open
   */
  issue(tag: Tag, isEndless = false): Ticket<Tag> {
    const { openMax, peer, deadlineMs, hardDeadlineMs } = this.#options;
    if (this.#open.size >= openMax) {
      throw new GatewayError("Overloaded", `Cannot ask ${peer}: ${openMax} calls are open already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const nowMs = monotonicMs();
    const number = ++this.#last;
    const entry: Entry<Tag> = {
      number,
      id: idBytes(number),
      tag,
      answer: promise,
      resolve,
      reject,
      dueMs: isEndless ? Infinity : nowMs + deadlineMs,
      hardMs: isEndless ? Infinity : nowMs + hardDeadlineMs,
    };
    this.#open.set(number, entry);
    this.#timer ??= setTimeout(this.#sweep, SWEEP_MS);
    return entry;
  }

  /** Takes an answer to its question. False when there is none: late, repeated, or to a wrong id. */
  settle(answer: Message): boolean {
    const entry = this.#byId(answer.id);
    if (entry === undefined) return false;
    this.#open.delete(entry.number);
    entry.resolve(answer);
    return true;
  }

  /** The open question that travels under an id. */
  find(id: Uint8Array | undefined): Ticket<Tag> | undefined {
    return this.#byId(id);
  }

  /** Every open question whose tag passes. For rare events: it looks at all of them. */
  where(test: (tag: Tag) => boolean): Ticket<Tag>[] {
    return this.#open.values().filter((entry) => test(entry.tag));
  }

  /** Starts the deadline of a question anew, up to its hard deadline. */
  prolong(ticket: Ticket<Tag>): void {
    const entry = ticket as Entry<Tag>;
    if (entry.dueMs < Infinity) entry.dueMs = monotonicMs() + this.#options.deadlineMs;
  }

  /** Fails one question. Its answer, should it still come, is late. */
  fail(ticket: Ticket<Tag>, error: GatewayError): void {
    const entry = ticket as Entry<Tag>;
    if (this.#open.delete(entry.number)) entry.reject(error);
  }

  /** Fails every open question. */
  failAll(errorFor: (ticket: Ticket<Tag>) => GatewayError): void {
    for (const entry of this.#open.values()) this.fail(entry, errorFor(entry));
  }

  /** Suspends deadlines, except the hard one, until the returned hold is disposed: the peer waits for us. */
  hold(): Disposable {
    this.#holds++;
    return {
      [Symbol.dispose]: () => {
        this.#holds--;
        for (const entry of this.#open.values()) this.prolong(entry);
      },
    };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.failAll(() =>
      new GatewayError("InternalError", `Cannot ask ${this.#options.peer}: closed`)
    );
  }

  #byId(id: Uint8Array | undefined): Entry<Tag> | undefined {
    return id === undefined ? undefined : this.#open.get(idNumber(id, 0, id.length));
  }

  readonly #sweep = (): void => {
    const nowMs = monotonicMs();
    for (const entry of this.#open.values()) {
      if (nowMs < (this.#holds > 0 ? entry.hardMs : Math.min(entry.dueMs, entry.hardMs))) continue;
      this.#options.onExpired?.(entry);
      this.fail(entry, this.#expired());
    }
    this.#timer = this.#open.size > 0 ? setTimeout(this.#sweep, SWEEP_MS) : undefined;
  };

  #expired(): GatewayError {
    return new GatewayError(
      "UpstreamTimeout",
      `Cannot answer in time: ${this.#options.peer} did not answer before the deadline`,
    );
  }
}
