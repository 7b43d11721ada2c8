/**
 * A listener that asks itself whether it is still alive. After one EMFILE a listener of `node:net` or
 * `node:http` in Deno 2.9.6 accepts nothing any more, without an error or an event; real Node recovers.
 *
 * The probe connects and waits until the listener has accepted somebody: its own connection, or any other,
 * proves as much. Where several processes listen on the same port it connects again and again: the system
 * gives each connection to any of them.
 *
 * @module
 */
import net from "node:net";

/** What is probed, and what is done when it is dead. */
export interface ProbeTarget {
  /** Where it listens: a port, or the path of a socket file. */
  readonly address:
    | { readonly host: string; readonly port: number }
    | { readonly path: string };
  /** Processes that listen there; 1 when absent. */
  readonly sharedBy?: number;
  /** Binds the address anew. */
  relisten(): Promise<void>;
}

/** Times of a {@link SelfProbe}, ms. */
export interface ProbeTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** In Deno 2.6 an http.Server does not tell of its connections, and cannot be bound a second time (seen with 2.6.8). */
const TELLS_OF_CONNECTIONS = !Deno.version.deno.startsWith("2.6.");

/** `unknown`: the probe itself could not connect (no descriptors left), so nothing is known. */
type Outcome = "accepted" | "silent" | "refused" | "unknown";

/** That none of its connections was for us although we are alive happens to one probe of a thousand million. */
const MISSED_BY_CHANCE = 1e-9;
/** A connection that was for us has been accepted after so long, in a process that is not busy, ms. */
const ATTEMPT_MS = 25;

/** While one process replaces another, both accept from the socket that they have inherited. */
const HANDED_OVER_BY = 2;

/** How many processes may accept connections to an address. */
export function sharers(workers = 1, inherited?: unknown): number {
  return inherited === undefined ? workers : HANDED_OVER_BY;
}

/** Connections that a probe makes, at most. */
export function attemptsMax(sharedBy: number): number {
  return sharedBy <= 1 ? 1 : Math.ceil(Math.log(MISSED_BY_CHANCE) / Math.log(1 - 1 / sharedBy));
}

/** Probes until closed. The listener tells it of every connection that it accepts. */
export class SelfProbe {
  readonly #target: ProbeTarget;
  readonly #times: ProbeTimes;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #end: ((outcome: Outcome) => void) | undefined;
  #hasAccepted = false;
  #closed = false;

  constructor(target: ProbeTarget, times: ProbeTimes) {
    this.#target = target;
    this.#times = times;
    this.#schedule();
  }

  /** A connection was accepted, whosoever it is. */
  accepted(): void {
    this.#hasAccepted = true;
    this.#end?.("accepted");
  }

  /** Stops probing. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#end?.("unknown");
  }

  #schedule(): void {
    if (this.#closed || !TELLS_OF_CONNECTIONS) return;
    this.#timer = setTimeout(
      () => void this.#round().finally(() => this.#schedule()),
      this.#times.intervalMs,
    );
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  async #round(): Promise<void> {
    const outcome = this.#hasAccepted ? "accepted" : await this.#ask();
    this.#hasAccepted = false;
    if (outcome === "accepted" || outcome === "unknown" || this.#closed) return;
    await this.#target.relisten();
  }

  #ask(): Promise<Outcome> {
    return new Promise((resolve) => {
      let socket: net.Socket | undefined;
      let attemptsLeft = attemptsMax(this.#target.sharedBy ?? 1);
      // One turn of the loop more: a loop that was blocked finds the connection and the timer due together.
      const late = () => this.#timer = setTimeout(() => this.#end?.("silent"), 0);
      const attempt = () => {
        socket?.destroy(); // should it be for us, it is accepted all the same
        socket = net.connect(this.#target.address);
        socket.on("error", (error: NodeJS.ErrnoException) => this.#end?.(outcomeOf(error)));
        this.#timer = --attemptsLeft > 0
          ? setTimeout(attempt, ATTEMPT_MS)
          : setTimeout(late, this.#times.timeoutMs);
      };
      this.#end = (outcome) => {
        this.#end = undefined;
        clearTimeout(this.#timer);
        socket?.destroy();
        resolve(outcome);
      };
      attempt();
    });
  }
}

function outcomeOf({ code }: NodeJS.ErrnoException): Outcome {
  // ENOENT: somebody removed the socket file.
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "ENOENT"
    ? "refused"
    : "unknown";
}

/** The address under which a listener on this host can be reached from here. */
export function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
