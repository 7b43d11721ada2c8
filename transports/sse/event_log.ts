/**
 * The events of one connection that its client may still ask for, bounded.
 *
 * @module
 */

/** An event as it stands in the log. */
export interface LoggedEvent {
  /** 1 for the first event of the connection, and so on without gaps. */
  readonly sequence: number;
  /** Its bytes without the id line; other connections may share them. */
  readonly body: Uint8Array;
}

/** Bounds of a log. */
export interface EventLogLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** What the logs of all connections hold together. */
export class LogBudget {
  /** Bytes held now. */
  heldBytes = 0;
  readonly #bytesMax: number;

  /** @param bytesMax beyond it every log that grows forgets what it has sent */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether logs have to forget. */
  get isExceeded(): boolean {
    return this.heldBytes > this.#bytesMax;
  }
}

/**
 * Remembers what was written. What was handed to a stream may be forgotten when room is needed; what was not
 * stays, and whoever writes has to wait.
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #budget: LogBudget;
  readonly #events: LoggedEvent[] = [];
  #bytes = 0;
  #unsentBytes = 0;
  #sequence = 0;
  #sentSequence = 0;

  constructor(limits: EventLogLimits, budget: LogBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Whether there is no room for an event: too much was handed to no stream yet. */
  get isFull(): boolean {
    return this.#sequence - this.#sentSequence >= this.#limits.eventsMax ||
      this.#unsentBytes >= this.#limits.bytesMax;
  }

  /** Adds an event that was handed to no stream yet. */
  append(body: Uint8Array): LoggedEvent {
    const event = { sequence: ++this.#sequence, body };
    this.#events.push(event);
    this.#bytes += body.length;
    this.#unsentBytes += body.length;
    this.#budget.heldBytes += body.length;
    this.#evict();
    return event;
  }

  /** Notes that every event so far was handed to a stream. */
  sent(): void {
    this.#sentSequence = this.#sequence;
    this.#unsentBytes = 0;
    this.#evict();
  }

  /** The events after one; `undefined` when one of them is forgotten, or it never was. */
  after(sequence: number): readonly LoggedEvent[] | undefined {
    const first = this.#sequence - this.#events.length;
    if (sequence < first || sequence > this.#sequence) return undefined;
    return this.#events.slice(sequence - first);
  }

  /** Forgets everything: the connection has ended. */
  clear(): void {
    this.#budget.heldBytes -= this.#bytes;
    this.#bytes = this.#unsentBytes = 0;
    this.#events.length = 0;
  }

  #evict(): void {
    const { eventsMax, bytesMax } = this.#limits;
    while (this.#events.length > 0 && this.#events[0].sequence <= this.#sentSequence) {
      const fits = this.#events.length <= eventsMax && this.#bytes <= bytesMax;
      if (fits && !this.#budget.isExceeded) return;
      const { length } = this.#events.shift()!.body;
      this.#bytes -= length;
      this.#budget.heldBytes -= length;
    }
  }
}
