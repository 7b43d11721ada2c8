/**
 * Which calls are traced: those whose client's trace is recorded, and a share of the others.
 *
 * @module
 */
import { isSampled, type TraceContext } from "../../core/trace_context.ts";
import { isInShare, newSpanId, newTraceId } from "./trace_ids.ts";

/** How it is decided. */
export interface SamplerOptions {
  /** Share of the calls, 0 to 1. */
  readonly share: number;
  /** Whether a client that names a trace has decided already. */
  readonly isParentBased: boolean;
}

/** See the module. */
export class Sampler {
  readonly #share: number;
  readonly #isParentBased: boolean;

  constructor({ share, isParentBased }: SamplerOptions) {
    this.#share = share;
    this.#isParentBased = isParentBased;
  }

  /**
   * The context of a new span for a call; `undefined` when the call is not traced. A call of no trace that is not
   * traced costs one random number.
   */
  spanFor(parent: TraceContext | undefined): TraceContext | undefined {
    if (parent === undefined) return this.#root();
    const isTraced = this.#isParentBased
      ? isSampled(parent)
      : isInShare(parent.traceId, this.#share);
    return isTraced ? childOf(parent, 1) : undefined;
  }

  #root(): TraceContext | undefined {
    if (this.#share < 1 && Math.random() >= this.#share) return undefined;
    return { traceId: newTraceId(), spanId: newSpanId(), flags: 1 };
  }
}

/** A span of the same trace. */
export function childOf(parent: TraceContext, sampled: 0 | 1): TraceContext {
  return { ...parent, spanId: newSpanId(), flags: (parent.flags & 2) | sampled };
}
