/**
 * Scenario `fan-out`: the first connection calls a tool that makes the server notify every client; a
 * round is over when all others have heard. Latency counts from the call to each notification.
 *
 * @module
 */
import { TransportError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { Caller } from "./caller.ts";
import { pause } from "./pause.ts";
import type { Run } from "./run.ts";

/** A server that has notified nobody by then does not fan out, ms. */
const FIRST_ROUND_MS = 5_000;

/** Runs rounds until the time is over. */
export async function fanOut(run: Run): Promise<void> {
  const { pool, plan, tally, signal } = run;
  await pool.open();
  const [trigger, ...listeners] = pool.callers;
  if (listeners.length === 0) throw new TransportError("Cannot fan out: there is one connection");
  await run.ready();
  const rounds = new Rounds(run, trigger, listeners);
  if (await rounds.next(FIRST_ROUND_MS) === 0) {
    throw new TransportError(
      `Cannot fan out: after the call of ${plan.tool} no other connection was notified`,
    );
  }
  let runs = true;
  const going = (async () => {
    while (runs && !signal.aborted) {
      const heard = await rounds.next(plan.callTimeoutMs);
      const missing = listeners.length - heard;
      if (missing === 0 || signal.aborted) continue;
      tally.lost += missing;
      tally.error("not notified", missing);
    }
  })();
  await run.measure();
  runs = false;
  await going;
}

class Rounds {
  readonly #run: Run;
  readonly #trigger: Caller;
  readonly #listenerCount: number;
  /** The method of the notification, known from the first that comes. */
  #method: string | undefined;
  #heard = new Set<number>();
  #beginMs = 0;
  #complete = Promise.withResolvers<void>();

  constructor(run: Run, trigger: Caller, listeners: readonly Caller[]) {
    this.#run = run;
    this.#trigger = trigger;
    this.#listenerCount = listeners.length;
    for (const listener of listeners) {
      listener.onNotification = (message, nowMs) => this.#hear(listener, message, nowMs);
    }
  }

  /** Calls the tool and waits; gives how many have heard. */
  async next(atMostMs: number): Promise<number> {
    const { tool, toolArguments } = this.#run.plan;
    this.#heard = new Set();
    this.#complete = Promise.withResolvers<void>();
    this.#beginMs = performance.now();
    const answer = this.#trigger.question("tools/call", {
      name: tool,
      arguments: JSON.parse(toolArguments),
    });
    const stop = new AbortController();
    const late = pause(atMostMs, AbortSignal.any([stop.signal, this.#run.signal]));
    await Promise.race([Promise.all([answer, this.#complete.promise]), late]);
    stop.abort();
    answer.catch(() => {}); // of a round that was given up
    return this.#heard.size;
  }

  #hear(listener: Caller, message: Message, nowMs: number): void {
    this.#method ??= message.method;
    if (message.method !== this.#method || this.#heard.has(listener.number)) return;
    this.#heard.add(listener.number);
    this.#run.tally.answer(this.#beginMs, nowMs);
    if (this.#heard.size === this.#listenerCount) this.#complete.resolve();
  }
}
