/**
 * What stands between the gateway and servers that crash, hang or are asked too much.
 *
 * @module
 */
import { PROCESS_BUFFERS } from "../../lib/core/buffer_budget.ts";
import type { Handler, Policy } from "../../lib/core/handler.ts";
import type { UpstreamConfig } from "../../lib/config/gateway_config.ts";
import { limitConcurrency } from "../../lib/policy/concurrency_limit.ts";
import { degradable } from "../../lib/policy/degraded.ts";
import type { LinkOptions } from "../../lib/upstream/link_options.ts";
import { RestartIntensity } from "../../lib/upstream/restart_intensity.ts";
import { supervised, type SupervisionEvents } from "../../lib/upstream/supervised.ts";
import type { Base } from "./base.ts";

/** Supervision of what one client dials, or, in a pool, of a place: it outlives who stands there. */
export type Supervise = (intensity?: RestartIntensity, reset?: () => void) => Supervisor;

type Supervisor = NonNullable<LinkOptions["supervise"]>;

/** How the processes and connections of one server are supervised. */
export function supervision(base: Base, upstream: string): Supervise {
  const { restarts, healing } = base.config;
  const events = supervisionEvents(base, upstream);
  return (place, reset) => (dial, client, closing) => {
    const intensity = place ?? new RestartIntensity(restarts);
    const charge = { upstream, intensity, options: healing, events, reset };
    return supervised(dial, client, closing, charge);
  };
}

/** A rule for each place of a pool. */
export function restartsByPlace({ config }: Base): (index: number) => RestartIntensity {
  const places = new Map<number, RestartIntensity>();
  return (index) => {
    let place = places.get(index);
    if (place === undefined) places.set(index, place = new RestartIntensity(config.restarts));
    return place;
  };
}

function supervisionEvents({ metrics, log }: Base, upstream: string): SupervisionEvents {
  const logger = log.child("supervision");
  const restarts = metrics.upstreamRestarts.with({ upstream });
  const failedUntil = metrics.upstreamFailedUntil.with({ upstream });
  const count = (step: string) => metrics.healingSteps.with({ upstream, step }).inc();
  metrics.healingSteps.with({ upstream, step: "failed" }); // alerts want to see it at 0 first
  return {
    restarted: () => restarts.inc(),
    failed(waitMs) {
      failedUntil.set((Date.now() + waitMs) / 1000);
      logger.error("upstream ends too often and is left alone", { upstream, waitMs });
    },
    step(step) {
      count(step);
      logger.warn("upstream hangs", { upstream, step });
    },
    ended(step) {
      count(step === undefined ? "failed" : "healed");
      if (step === undefined) logger.error("upstream still hangs", { upstream });
      else logger.info("upstream answers again", { upstream, step });
    },
  };
}

/** The limit of calls at once towards a server, where it has one. */
export function callLimit({ metrics }: Base, { name, calls }: UpstreamConfig): Policy[] {
  if (calls === undefined) return [];
  const running = metrics.limitedCalls.with({ upstream: name, state: "running" });
  const waiting = metrics.limitedCalls.with({ upstream: name, state: "waiting" });
  const refused = metrics.shedCalls.with({ upstream: name, why: "limit" });
  return [limitConcurrency({
    ...calls,
    upstream: name,
    onChange(now, line) {
      running.set(now);
      waiting.set(line);
    },
    onRefused: () => refused.inc(),
  })];
}

/** The whole behind degraded mode, where that is on. */
export function degradedMode({ config, metrics, log }: Base, handle: Handler): Handler {
  const { enabled, methods, errorRate, bufferShare, windowMs, holdMs } = config.degraded;
  if (!enabled) return handle;
  const logger = log.child("degraded");
  const shed = metrics.shedCalls.with({ upstream: "any", why: "degraded" });
  return degradable({
    limits: { errorRate, bufferShare },
    ...{ methods, windowMs, holdMs },
    bufferShare: () => PROCESS_BUFFERS.usedBytes / PROCESS_BUFFERS.bytesMax,
    onChange(why) {
      metrics.degraded.set(why === undefined ? 0 : 1);
      if (why === undefined) logger.info("degraded mode is over");
      else logger.warn("degraded mode begins", { why });
    },
    onShed: () => shed.inc(),
  })(handle);
}
