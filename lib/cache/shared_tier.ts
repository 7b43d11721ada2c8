/**
 * What a second tier is to the first: answers that other processes share. An export by shared memory is one.
 *
 * @module
 */
import type { Call, Handler } from "../core/handler.ts";
import type { KeptAnswer } from "./kept_answer.ts";
import type { CachedKind, CachedRequest } from "./request_key.ts";

/** See the module. Both methods are asked before every answer, so they must not wait. */
export interface SharedTier {
  /**
   * Looks whether something has changed that was told to others.
   *
   * @param changed takes what
   */
  follow(nowMs: number, changed: (kinds: readonly CachedKind[]) => void): void;
  /**
   * The answer to a request, for everybody; `undefined` where there is none.
   *
   * @param next the upstream, which can be asked whose answers these are
   * @param since goes into {@link KeptAnswer.keeping}
   */
  find(
    call: Call,
    next: Handler,
    request: CachedRequest,
    since: number,
    nowMs: number,
  ): KeptAnswer | undefined;
}
