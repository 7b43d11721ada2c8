/**
 * An upstream behind policies.
 *
 * @module
 */
import type { GatewayError } from "../core/errors.ts";
import type { Handler, Policy } from "../core/handler.ts";
import type { Upstream } from "../core/upstream.ts";

/** A handler behind layers: the first is the outermost. */
export function layered(policies: readonly Policy[], handle: Handler): Handler {
  return policies.reduceRight<Handler>((next, policy) => policy(next), handle);
}

/**
 * The same upstream, its calls going through layers: the first is the outermost.
 *
 * @param isOpen whether the layers let calls through now
 */
export function guarded(
  upstream: Upstream,
  policies: readonly Policy[],
  isOpen = () => true,
): Upstream {
  const handle = layered(policies, upstream.handle);
  return {
    name: upstream.name,
    handle,
    prepare: (session) => upstream.prepare?.(session) ?? Promise.resolve(),
    drain: () => upstream.drain?.(),
    load: () => upstream.load(),
    ready: () => isOpen() && upstream.ready(),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** A layer that refuses requests for as long as there is a reason; notifications pass. */
export function refuseWhile(reason: () => GatewayError | undefined): Policy {
  return (next) => (call) => {
    const refusal = call.message.kind === "request" ? reason() : undefined;
    return refusal === undefined ? next(call) : Promise.reject(refusal);
  };
}
