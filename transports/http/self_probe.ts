/**
 * A listener that asks itself whether it is still alive. After one EMFILE a `node:http` listener in Deno
 * 2.9.6 accepts nothing any more, without an error or an event; real Node recovers.
 *
 * @module
 */
import http from "node:http";

/** What is probed, and what is done when it is dead. */
export interface ProbeTarget {
  readonly hostname: string;
  readonly port: number;
  /** Unguessable path that the listener answers with 204. */
  readonly path: string;
  /** Connections accepted so far: a change is a sign of life, too. */
  accepted(): number;
  /** Binds the port anew. */
  relisten(): Promise<void>;
}

/** Times of a {@link SelfProbe}, ms. */
export interface ProbeTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** `unknown`: the probe itself could not connect (no descriptors left), so nothing is known. */
type Outcome = "answered" | "silent" | "refused" | "unknown";

/** Probes until closed. */
export class SelfProbe {
  readonly #target: ProbeTarget;
  readonly #times: ProbeTimes;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: http.ClientRequest | undefined;
  #acceptedBefore = -1;
  #closed = false;

  constructor(target: ProbeTarget, times: ProbeTimes) {
    this.#target = target;
    this.#times = times;
    this.#schedule();
  }

  /** Stops probing. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => void this.#round().finally(() => this.#schedule()),
      this.#times.intervalMs,
    );
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  async #round(): Promise<void> {
    const accepted = this.#target.accepted();
    if (accepted !== this.#acceptedBefore) { // somebody got through since the last round
      this.#acceptedBefore = accepted;
      return;
    }
    const outcome = await this.#ask();
    const alive = outcome === "answered" || this.#target.accepted() !== accepted;
    this.#acceptedBefore = this.#target.accepted();
    if (alive || outcome === "unknown" || this.#closed) return;
    await this.#target.relisten();
  }

  #ask(): Promise<Outcome> {
    const { hostname, port, path } = this.#target;
    return new Promise((resolve) => {
      const req = http.request({ host: reachable(hostname), port, path, agent: false });
      this.#request = req;
      // One turn of the loop more: a loop that was blocked finds the answer and the timer due together.
      const timer = setTimeout(() => setTimeout(() => end("silent"), 0), this.#times.timeoutMs);
      const end = (outcome: Outcome) => {
        clearTimeout(timer);
        req.destroy();
        resolve(outcome);
      };
      req.on("response", () => end("answered"));
      req.on("error", (error: NodeJS.ErrnoException) => end(outcomeOf(error)));
      req.on("close", () => end("unknown"));
      req.end();
    });
  }
}

function outcomeOf(error: NodeJS.ErrnoException): Outcome {
  return error.code === "ECONNREFUSED" || error.code === "ECONNRESET" ? "refused" : "unknown";
}

/** The address under which a listener can be reached from here. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
