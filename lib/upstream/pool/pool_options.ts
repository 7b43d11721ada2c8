/**
 * What a pool is set up with, and what it reports.
 *
 * @module
 */
import type { Circuit } from "../../core/circuit.ts";
import type { Upstream } from "../../core/upstream.ts";
import type { StrategyName } from "../balancers/strategies.ts";

/** Which requests of a session always go to the same member. */
export type Affinity = "state" | "session";

/** Settings of a pool. */
export interface PoolOptions {
  /** Members that stand from the first call on. */
  readonly min: number;
  readonly max: number;
  readonly strategy: StrategyName;
  /** Calls that one member is given at once; `Infinity` for no limit. */
  readonly callsPerMember: number;
  /**
   * `state`: what concerns the state of a session (subscriptions, log level, ...); `session`: all of its requests, for
   * servers that remember their clients.
   */
  readonly affinity: Affinity;
  /** How long a call waits for a member, ms. */
  readonly checkoutMs: number;
  /** A member above `min` that has nothing to do for so long is stopped, ms. */
  readonly idleMs: number;
  /** Calls that may wait for a member. */
  readonly queue: number;
}

/** What an upstream must be to be a member of a pool: ready for anybody, not for one session. */
export interface PoolMember extends Omit<Upstream, "prepare"> {
  /** Connects and makes the handshake; rejects when the server cannot be reached. */
  prepare?(): Promise<void>;
  /** To be told when it should be replaced by another. */
  onFailed?: ((reason: string) => void) | undefined;
  /** Its own breaker: open, it is left alone while others serve; half-open, it gets one call at a time. */
  readonly circuit?: MemberCircuit | undefined;
}

/** What a pool wants to know of a member's breaker. */
export type MemberCircuit = Pick<Circuit, "state" | "retryAfterMs">;

/** Makes the member for a place. */
export type MakeMember = (index: number) => PoolMember;

/** `failed`: taken out, to be started anew; `leaving`: finishes its calls, gets no more. */
export type MemberState = "starting" | "idle" | "busy" | "leaving" | "failed";

/** What a pool reports, for gauges and logs. */
export interface PoolEvents {
  /** A member changed its state; `undefined` stands for not being there. */
  moved(from: MemberState | undefined, to: MemberState | undefined): void;
  /** A member could not be started, or lost its server. */
  failed(index: number, reason: string): void;
}

/** What a pool needs of its surroundings; tests give their own. */
export interface PoolClock {
  /** Monotonic ms. */
  readonly now: () => number;
  /** Wall clock, ms since the epoch. */
  readonly wallMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}
