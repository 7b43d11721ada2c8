/**
 * At most so many calls at once towards a server; the others wait in a line that is fair to every client.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import { isListen } from "../core/listen.ts";
import type { Message } from "../core/message.ts";
import { FairLine } from "./fair_line.ts";
import { overloaded } from "./overloaded.ts";

/** How many calls a server is given. */
export interface ConcurrencyOptions {
  /** For the error. */
  readonly upstream: string;
  /** Calls at once. */
  readonly max: number;
  /** Calls that may wait. */
  readonly queue: number;
  /** How long each may wait, ms. */
  readonly queueMs: number;
  /** Told of every change: calls at the server, calls that wait. */
  readonly onChange?: (running: number, waiting: number) => void;
  /** Told of every call that is refused. */
  readonly onRefused?: () => void;
}

/** A layer that limits the requests under way. Listen streams, which last, and notifications do not count. */
export function limitConcurrency(options: ConcurrencyOptions): Policy {
  const gate = new Gate(options);
  return (next) => (call) => {
    const { message } = call;
    if (message.kind !== "request" || isListen(message)) return next(call);
    return gate.run(next, call);
  };
}

class Gate {
  readonly #options: ConcurrencyOptions;
  readonly #line: FairLine;
  #running = 0;

  constructor(options: ConcurrencyOptions) {
    this.#options = options;
    const { queue, queueMs } = options;
    this.#line = new FairLine({ waitingMax: queue, waitMs: queueMs }, monotonicMs);
  }

  async run(next: Handler, call: Call): Promise<Message | undefined> {
    if (this.#running < this.#options.max) this.#running++;
    else await this.#turn(call); // takes over the place of one that has ended
    this.#tell();
    try {
      return await next(call);
    } finally {
      if (!this.#line.admitNext()) this.#running--;
      this.#tell();
    }
  }

  async #turn(call: Call): Promise<void> {
    if (call.signal.aborted) throw cancelled();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = {
      admit: resolve,
      dismiss: (why: "full" | "due") => reject(this.#refusal(why)),
    };
    const cancel = () => {
      this.#line.leave(waiter);
      reject(cancelled());
    };
    call.signal.addEventListener("abort", cancel, { once: true });
    this.#line.join(partyOf(call), waiter);
    this.#tell();
    try {
      await promise;
    } finally {
      call.signal.removeEventListener("abort", cancel);
      this.#tell();
    }
  }

  #refusal(why: "full" | "due"): GatewayError {
    const { upstream, max, queue, queueMs, onRefused } = this.#options;
    onRefused?.();
    const reason = why === "full"
      ? `${max} calls are under way and ${queue} wait already`
      : `it had no room for ${queueMs} ms`;
    return overloaded(`Cannot call upstream ${upstream}: ${reason}`, queueMs);
  }

  #tell(): void {
    this.#options.onChange?.(this.#running, this.#line.size);
  }
}

/** Who waits: the session; without one, whoever is at the address. */
function partyOf({ session, request }: Call): unknown {
  if (!session.isSessionless) return session;
  const port = request.address.lastIndexOf(":");
  return port < 0 ? request.address : request.address.slice(0, port);
}

function cancelled(): GatewayError {
  return new GatewayError("InternalError", "Cannot answer: the request was cancelled");
}
