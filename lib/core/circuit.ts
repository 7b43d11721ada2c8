/**
 * Circuits: whether something that fails is left alone for a while. The breaker that implements them is a
 * policy; what dials and asks only knows these.
 *
 * @module
 */

/** `closed`: everything passes; `open`: nothing does; `halfOpen`: one try at a time shows whether to close. */
export type CircuitState = "closed" | "open" | "halfOpen";

/** Leave to try once. Exactly one of its methods is called, once. */
export interface Permit {
  /** It worked. */
  succeeded(): void;
  /** It did not, and whoever was tried is to blame. */
  failed(): void;
  /** It says nothing about whoever was tried: cancelled, refused elsewhere. */
  withdrawn(): void;
}

/** Says who may try. */
export interface Circuit {
  readonly state: CircuitState;
  /** Whether a try now would get leave. */
  readonly permits: boolean;
  /** How long until a try has a chance, ms; 0 when it has one now. */
  readonly retryAfterMs: number;
  /** Leave to try; `undefined` when there is none now. */
  admit(): Permit | undefined;
}
