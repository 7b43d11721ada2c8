/**
 * What a scenario works with.
 *
 * @module
 */
import type { Plan } from "./plan.ts";
import type { Pool } from "./pool.ts";
import type { Tally } from "./tally.ts";

/** A run and its parts, for the scenarios. */
export interface Run {
  readonly plan: Plan;
  readonly pool: Pool;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  ready(): Promise<void>;
  /** Warms up, measures what goes on meanwhile, and ends. */
  measure(options?: { readonly connectsToo?: boolean }): Promise<void>;
  begin(connectsToo?: boolean): void;
  end(): void;
  /** Waits for answers that are still open; those that do not come are lost. */
  drain(): Promise<void>;
}
