/**
 * How a pool chooses the member for a call.
 *
 * @module
 */
import type { MemberStats } from "../pool/member_stats.ts";

/** A member with its figures. */
export interface Rated {
  readonly stats: MemberStats;
}

/** What a strategy may know of a call beforehand. */
export interface Asked {
  readonly message: { readonly method: string | undefined; readonly name: string | undefined };
}

/** The core's `Balancer`, for members with figures: picks one; `undefined` only where there is none. */
export type RatedBalancer = <M extends Rated>(
  ready: readonly M[],
  asked: Asked,
) => M | undefined;

/** A balancer, and what it wants to hear of the calls it has placed. */
export interface Strategy {
  readonly pick: RatedBalancer;
  /** A call was handed to a member, picked or not; returns a ticket for {@link Strategy.ended}. Before its figures count it. */
  sent?(member: Rated, asked: Asked): number;
  /** The call ended. Called once for each ticket. */
  ended?(ticket: number, latencyMs: number, failed: boolean): void;
}

/** What strategies need of their surroundings. */
export interface StrategyOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** Wall clock, ms since the epoch: for the time of day. */
  readonly wallMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}
