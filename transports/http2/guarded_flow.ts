/**
 * The bytes of one HTTP/2 connection, to its private server and back, under the eyes of a guard.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Flow } from "../tls/raw_flow.ts";
import type { FrameGuard, Violation } from "./frame_guard.ts";
import { ErrorCode, goAway, HTTP2_PREFACE } from "./wire.ts";

/** What lies between a client and its server. */
export interface FlowEnds {
  /** The secured connection. */
  readonly carrier: Socket;
  /** Into the secured connection; stopped. */
  readonly flow: Flow;
  /** The connection to the private server. */
  readonly inner: Socket;
}

/** What becomes of a flow. */
export interface FlowHooks {
  /** The client has broken the rules; it is told, and the flow ends. */
  readonly onViolation: (violation: Violation) => void;
  /** Nothing more comes from the server. The client has been told so, and may still be connected. */
  readonly onEnd: () => void;
}

/**
 * After the end so much is still taken from the client and thrown away: what it may have sent by then in good
 * faith (hyper's window of a connection). Closing with bytes unread would make a reset of it, and the client
 * might never see why; taking all that a flood sends cost 160 MB of buffers to be collected.
 */
const LEFTOVER_BYTES_MAX = 1024 * 1024;

/**
 * A reset waits so long at most for its stream to be accepted: hyper ends a connection with 20 streams that were
 * reset before, and a client that cancels its calls at once is no attacker.
 */
const HOLD_MS_MAX = 100;

/** Bytes of the client that have not been passed on. */
interface Part {
  readonly bytes: Uint8Array;
  /** Where they begin. */
  readonly from: number;
  /** How far the guard has seen them. */
  readonly seenTo: number;
}

const UNHEARD: Violation = {
  code: ErrorCode.protocolError,
  reason: "connection_error",
  isSaid: false,
};

/** Carries bytes both ways, and holds back whoever is faster than the other. */
export class GuardedFlow {
  readonly #carrier: Socket;
  readonly #inner: Socket;
  readonly #flow: Flow;
  readonly #guard: FrameGuard;
  readonly #hooks: FlowHooks;
  #preface = HTTP2_PREFACE;
  #isStopped = true;
  #violation: Violation | undefined;
  #leftoverBytes = LEFTOVER_BYTES_MAX;
  #held: Part | undefined;
  #holdTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ carrier, flow, inner }: FlowEnds, guard: FrameGuard, hooks: FlowHooks) {
    this.#carrier = carrier;
    this.#inner = inner;
    this.#flow = flow;
    this.#guard = guard;
    this.#hooks = hooks;
    carrier.on("data", (bytes: Uint8Array) => this.#fromClient(bytes));
    carrier.on("drain", () => inner.resume());
    inner.on("data", (bytes: Uint8Array) => this.#fromServer(bytes));
    inner.on("drain", () => this.#goOn());
    inner.once("close", (hadError) => this.#end(hadError));
    this.#goOn();
  }

  #fromClient(bytes: Uint8Array): void {
    if (this.#violation !== undefined || this.#inner.destroyed) return this.#throwAway(bytes);
    if (this.#held !== undefined) return this.#append(this.#held, bytes);
    const opening = bytes.subarray(0, this.#preface.length);
    // hyper would take HTTP/1.1 here, too.
    if (!this.#preface.subarray(0, opening.length).equals(opening)) {
      return void this.#carrier.destroy();
    }
    this.#preface = this.#preface.subarray(opening.length);
    this.#pass({ bytes, from: 0, seenTo: opening.length });
  }

  #pass({ bytes, from, seenTo }: Part): void {
    const at = this.#guard.fromClient(bytes, seenTo);
    const { violation, isEarly } = this.#guard;
    if (violation !== undefined) return this.#refuse(violation);
    if (isEarly) this.#hold({ bytes, from: at - 1, seenTo: at });
    const isTaken = this.#inner.write(bytes.subarray(from, isEarly ? at - 1 : bytes.length));
    if (isTaken) this.#goOn();
    else this.#stop();
  }

  /** Keeps a reset from being whole, and what follows it. */
  #hold(part: Part): void {
    this.#held = part;
    this.#stop();
    this.#holdTimer = setTimeout(() => {
      this.#guard.giveUp();
      this.#release();
    }, HOLD_MS_MAX);
  }

  #release(): void {
    const held = this.#held;
    if (held === undefined || this.#guard.isEarly) return;
    this.#letGo();
    if (this.#violation !== undefined || this.#inner.destroyed) return;
    this.#pass(held);
  }

  /** What was on its way when the flow was stopped. */
  #append({ bytes, from, seenTo }: Part, more: Uint8Array): void {
    const all = Buffer.concat([bytes.subarray(from), more]);
    this.#held = { bytes: all, from: 0, seenTo: seenTo - from };
  }

  #letGo(): void {
    clearTimeout(this.#holdTimer);
    this.#held = undefined;
  }

  /** A request has reached us. */
  asked(): void {
    this.#guard.asked();
    this.#release();
  }

  #fromServer(bytes: Uint8Array): void {
    if (this.#violation !== undefined) {
      this.#carrier.write(bytes.subarray(0, this.#guard.restOfFrame(bytes)));
      return this.#endBetweenFrames(this.#violation);
    }
    this.#guard.fromServer(bytes);
    if (!this.#carrier.write(bytes)) this.#inner.pause();
    if (this.#guard.violation !== undefined) this.#refuse(this.#guard.violation);
    else this.#release();
  }

  #refuse(violation: Violation): void {
    this.#violation = violation;
    this.#hooks.onViolation(violation);
    this.#inner.resume(); // for the rest of a frame
    this.#endBetweenFrames(violation);
  }

  #endBetweenFrames({ code, reason, isSaid }: Violation): void {
    if (!this.#guard.isBetween || this.#inner.destroyed) return;
    if (!isSaid) this.#carrier.write(goAway(this.#guard.lastStream, code, reason));
    this.#inner.destroy();
  }

  #end(hadError: boolean): void {
    const isAbrupt = hadError && this.#violation === undefined && !this.#guard.isLeaving;
    if (isAbrupt && !this.#carrier.destroyed) this.#speakForServer();
    this.#letGo();
    this.#hooks.onEnd();
    this.#carrier.end();
    this.#goOn();
  }

  /** What hyper said at last is lost when the client writes while hyper closes. */
  #speakForServer(): void {
    this.#hooks.onViolation(UNHEARD);
    if (!this.#guard.isBetween) return;
    this.#carrier.write(goAway(this.#guard.lastStream, UNHEARD.code, UNHEARD.reason));
  }

  #throwAway({ length }: Uint8Array): void {
    this.#leftoverBytes -= length;
    if (this.#leftoverBytes < 0) this.#stop();
  }

  #stop(): void {
    this.#isStopped = true;
    this.#carrier.pause();
    this.#flow.stop();
  }

  #goOn(): void {
    // Starting what is closed would keep it, and all that hangs on it, for ever: 11 KB (Deno 2.9.6).
    const mayNot = this.#leftoverBytes < 0 || this.#held !== undefined;
    if (!this.#isStopped || mayNot || this.#carrier.destroyed) return;
    this.#isStopped = false;
    this.#carrier.resume();
    this.#flow.start();
  }
}
