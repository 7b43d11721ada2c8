/**
 * Events that a client may still ask for again, bounded: each log by itself, and all logs together.
 *
 * @module
 */

/** An event as it stands in a log. */
export interface LoggedEvent<T> {
  /** 1 for the first event of the log, and so on without gaps. */
  readonly sequence: number;
  readonly item: T;
}

/** Bounds of a log. The newest event is kept even when it is larger. */
export interface EventLogLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** An event, and its neighbours in age among those of all logs that may be forgotten. */
interface Entry extends LoggedEvent<unknown> {
  readonly byteLength: number;
  readonly log: Forgetful;
  older: Entry | undefined;
  newer: Entry | undefined;
}

interface Forgetful {
  forgetOldest(): void;
}

/** What a number of logs hold together. Beyond it the oldest event of all is forgotten, whose ever it is. */
export class LogBudget {
  readonly #bytesMax: number;
  #heldBytes = 0;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;

  /** @param bytesMax most bytes of all logs together; what no stream has carried yet may exceed it */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For {@link EventLog}: counts bytes, less when negative. */
  count(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /** For {@link EventLog}: an event that may be forgotten from now on, younger than all so far. */
  release(entry: Entry): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  /** For {@link EventLog}: an event that was forgotten. */
  remove(entry: Entry): void {
    const { older, newer } = entry;
    if (older !== undefined) older.newer = newer;
    else if (this.#oldest === entry) this.#oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (this.#newest === entry) this.#newest = older;
    entry.older = entry.newer = undefined;
  }

  /** For {@link EventLog}: forgets until the rest fits. */
  makeRoom(): void {
    while (this.#heldBytes > this.#bytesMax && this.#oldest !== undefined) {
      this.#oldest.log.forgetOldest();
    }
  }
}

/**
 * Remembers what was sent. What was {@link EventLog.sent} may be forgotten when room is needed; what was not
 * stays, and whoever appends has to watch {@link EventLog.isFull}.
 */
export class EventLog<T> implements Forgetful {
  readonly #limits: EventLogLimits;
  readonly #budget: LogBudget;
  readonly #entries: (Entry & LoggedEvent<T>)[] = [];
  #bytes = 0;
  #unsentBytes = 0;
  #sequence = 0;
  #sentSequence = 0;

  constructor(limits: EventLogLimits, budget: LogBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Whether there is no room for an event: too much was not sent yet. */
  get isFull(): boolean {
    return this.#sequence - this.#sentSequence >= this.#limits.eventsMax ||
      this.#unsentBytes >= this.#limits.bytesMax;
  }

  /** Whether nothing is remembered. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Number of the newest event, remembered or not; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Number of the oldest event remembered, or the next one to come. */
  get firstSequence(): number {
    return this.#sequence - this.#entries.length + 1;
  }

  /** Adds an event that was not sent yet. */
  append(item: T, byteLength: number): LoggedEvent<T> {
    const entry = {
      sequence: ++this.#sequence,
      item,
      byteLength,
      log: this,
      older: undefined,
      newer: undefined,
    };
    this.#entries.push(entry);
    this.#bytes += byteLength;
    this.#unsentBytes += byteLength;
    this.#budget.count(byteLength);
    this.#evict();
    return entry;
  }

  /** Notes that every event so far was sent, or need not be waited for. */
  sent(): void {
    const first = this.firstSequence;
    for (let at = Math.max(this.#sentSequence + 1, first); at <= this.#sequence; at++) {
      this.#budget.release(this.#entries[at - first]);
    }
    this.#sentSequence = this.#sequence;
    this.#unsentBytes = 0;
    this.#evict();
  }

  /** Whether everything after an event is remembered; false, too, when there never was such an event. */
  knows(sequence: number): boolean {
    return sequence >= this.firstSequence - 1 && sequence <= this.#sequence;
  }

  /** The events after one; `undefined` when one of them is forgotten, or it never was. */
  after(sequence: number): readonly LoggedEvent<T>[] | undefined {
    return this.knows(sequence)
      ? this.#entries.slice(sequence + 1 - this.firstSequence)
      : undefined;
  }

  /** Forgets everything: its owner has ended. */
  clear(): void {
    for (const entry of this.#entries) this.#budget.remove(entry);
    this.#budget.count(-this.#bytes);
    this.#bytes = this.#unsentBytes = 0;
    this.#entries.length = 0;
    this.#sentSequence = this.#sequence;
  }

  /** For {@link LogBudget}. */
  forgetOldest(): void {
    const entry = this.#entries.shift()!;
    this.#budget.remove(entry);
    this.#budget.count(-entry.byteLength);
    this.#bytes -= entry.byteLength;
  }

  #evict(): void {
    const { eventsMax, bytesMax } = this.#limits;
    while (this.#entries.length > 1 && this.#entries[0].sequence <= this.#sentSequence) {
      if (this.#entries.length <= eventsMax && this.#bytes <= bytesMax) break;
      this.forgetOldest();
    }
    this.#budget.makeRoom();
  }
}
