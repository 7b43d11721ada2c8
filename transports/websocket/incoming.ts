/**
 * What a peer sends, held against its limits.
 *
 * @module
 */
import { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { closeCodeOf } from "./close_codes.ts";
import type { MessageFormat } from "./format.ts";
import { OPEN, type Ws } from "./library.ts";
import type { Liveness } from "./liveness.ts";
import type { WebSocketLimits } from "./options.ts";
import { RateWindow } from "./rate_window.ts";
import type { Receiving } from "./receiving.ts";

/** Ways to end a connection. */
export interface Ends {
  /** In order, with a close code, when what was received has been answered. */
  endReading(code: number): void;
  /** At once. */
  abort(reason: GatewayError): void;
}

/**
 * Unread messages, in message limits. The library goes through everything of one read although it was
 * paused: 64 KiB can inflate to hundreds of messages of 4 MiB.
 */
const UNREAD_MESSAGES_MAX = 4;

/** Listens to a WebSocket. */
export class Incoming {
  readonly #ws: Ws;
  readonly #format: MessageFormat;
  readonly #limits: WebSocketLimits;
  readonly #receiving: Receiving;
  readonly #liveness: Liveness;
  readonly #ends: Ends;
  readonly #controlFrames: RateWindow;
  readonly #badMessages: RateWindow;

  constructor(
    { ws, format, limits }: { ws: Ws; format: MessageFormat; limits: WebSocketLimits },
    receiving: Receiving,
    liveness: Liveness,
    ends: Ends,
  ) {
    this.#ws = ws;
    this.#format = format;
    this.#limits = limits;
    this.#receiving = receiving;
    this.#liveness = liveness;
    this.#ends = ends;
    this.#controlFrames = new RateWindow(limits.controlFramesPerSecondMax, 1000);
    this.#badMessages = new RateWindow(limits.badMessagesPerMinuteMax, 60_000);
    ws.on("message", this.#onMessage);
    ws.on("ping", (data) => this.#onControl(data));
    ws.on("pong", () => this.#onControl());
  }

  readonly #onMessage = (data: Uint8Array): void => {
    this.#liveness.hear();
    const batch = this.#format.decode(data);
    if (batch.some(isBad)) return this.#addBad(batch);
    this.#receiving.add(batch);
    if (this.#receiving.waitingBytes > UNREAD_MESSAGES_MAX * this.#limits.messageBytesMax) {
      this.#ends.abort(tooMuch("more than is read"));
    }
  };

  /** Each is answered; the one that is too many is the last to be. */
  #addBad(batch: readonly Message[]): void {
    for (const message of batch) {
      const { problem } = message;
      if (problem === undefined || (!problem.fatal && this.#badMessages.admit())) {
        this.#receiving.add([message]);
        continue;
      }
      const last = problem.fatal ? message : Message.invalid(lastProblem(problem), message.id);
      this.#receiving.add([last]);
      return this.#ends.endReading(closeCodeOf(problem));
    }
  }

  #onControl(pingData?: Uint8Array): void {
    this.#liveness.hear();
    if (this.#ws.readyState !== OPEN) return;
    if (!this.#controlFrames.admit()) {
      return this.#ends.abort(tooMuch("too many pings"));
    }
    if (pingData === undefined) return;
    this.#ws.pong(pingData);
    // Nothing else holds back a peer that pings and does not read.
    if (this.#ws.bufferedAmount > UNREAD_MESSAGES_MAX * this.#limits.bufferBytesMax) {
      this.#ends.abort(new GatewayError("Overloaded", "Cannot go on: the peer does not read"));
    }
  }
}

function isBad(message: Message): boolean {
  return message.problem !== undefined;
}

function tooMuch(what: string): GatewayError {
  return new GatewayError("PolicyDenied", `Cannot go on: the peer sends ${what}`);
}

function lastProblem(problem: GatewayError): GatewayError {
  return new GatewayError(problem.failure, problem.message, { fatal: true, cause: problem });
}
