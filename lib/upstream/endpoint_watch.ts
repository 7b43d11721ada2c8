/**
 * Watches one connection for the endpoint behind it.
 *
 * @module
 */
import type { Permit } from "../core/circuit.ts";
import type { Message } from "../core/message.ts";
import type { ConnectionWatch } from "./connection_watch.ts";
import {
  type Endpoint,
  isUnavailable,
  settle,
  type Verdict,
  verdictOnAnswer,
  verdictOnError,
} from "./endpoint.ts";

/** Tells an endpoint of every question over one of its connections. */
export class EndpointWatch implements ConnectionWatch {
  readonly endpoint: Endpoint;
  onSuperseded: (() => void) | undefined;
  readonly #upstream: string;
  readonly #hasOthers: () => boolean;
  /** The leave to dial holds until the first question over the connection has shown what it is worth. */
  #permit: Permit | undefined;
  #hasAnswered = false;
  #lossNoted = false;

  /**
   * @param permit the leave that the connection was dialled with
   * @param hasOthers whether there is another endpoint that promises more than one in doubt
   */
  constructor(endpoint: Endpoint, upstream: string, permit: Permit, hasOthers: () => boolean) {
    this.endpoint = endpoint;
    this.#upstream = upstream;
    this.#permit = permit;
    this.#hasOthers = hasOthers;
  }

  get usable(): boolean {
    return this.endpoint.isPromising || this.#permit !== undefined || !this.#hasOthers();
  }

  get failures(): number {
    return this.endpoint.failures;
  }

  get where(): unknown {
    return this.endpoint;
  }

  get isProcess(): boolean {
    return this.endpoint.isCostly;
  }

  condemn(): void {
    this.endpoint.noteAbsent();
  }

  begin(): Permit {
    const permit = this.#permit ?? this.endpoint.circuit.admit();
    this.#permit = undefined;
    if (permit === undefined) throw this.endpoint.refusal(this.#upstream);
    return permit;
  }

  /** However many questions were under way when a server over HTTP went away: that is one failure. */
  answered(permit: Permit, answer: Message, failures: number): void {
    const verdict = verdictOnAnswer(answer);
    if (verdict === "good") this.#hasAnswered = true;
    const isKnown = failures !== this.failures && isUnavailable(answer);
    this.#note(permit, isKnown ? "nothing" : verdict);
  }

  failed(permit: Permit, error: unknown): void {
    this.#note(permit, this.#verdict(error));
  }

  /** The connection has ended; whoever dialled it may never have asked anything. */
  ended(): void {
    this.#permit?.withdrawn();
    this.#permit = undefined;
  }

  /** However many questions were open: a lost connection is one failure. Who never answered was not there. */
  #verdict(error: unknown): Verdict {
    const verdict = verdictOnError(error);
    if (verdict === "bad" && !this.#hasAnswered) return "absent";
    if (verdict !== "lost") return verdict;
    if (this.#lossNoted) return "nothing";
    this.#lossNoted = true;
    return this.#hasAnswered ? "lost" : "absent";
  }

  #note(permit: Permit, verdict: Verdict): void {
    settle(permit, verdict);
    if (verdict === "good") this.endpoint.noteGood();
    else if (verdict === "bad") this.endpoint.noteBad();
    else if (verdict === "absent") this.endpoint.noteAbsent();
    else if (verdict === "lost") this.endpoint.noteLost();
  }
}
