/**
 * Endpoints whose servers are scripted in the test, over the in-memory transport, under a clock of its own.
 *
 * @module
 */
import FakeTimers from "@sinonjs/fake-timers";
import { upstreamBreaker } from "../../../lib/policy/circuit_breaker.ts";
import { Endpoint } from "../../../lib/upstream/endpoint.ts";
import { EndpointSet } from "../../../lib/upstream/endpoints.ts";
import { memoryPair } from "../../../transports/memory.ts";
import { Peer } from "../../fixtures/memory_gateway.ts";

/** How the endpoints of a scene behave. */
export const OPTIONS = { steadyMs: 1000, switchMs: 30_000 };
const BREAKER = { failures: 3, errorRate: 1, windowMs: 10_000, openMs: 5000, successes: 1 };

/** Endpoints `a`, `b`, ..., the first the most wanted; `$c` is costly to ask. Dispose it to have time again. */
export function endpointScene(...names: string[]) {
  return sceneUnder(FakeTimers.install({ toFake: ["performance"] }), names);
}

/** The same with timers that stand still too. */
export function timelessScene(...names: string[]) {
  const toFake = ["performance", "setTimeout", "clearTimeout"] as const;
  return sceneUnder(FakeTimers.install({ toFake: [...toFake] }), names);
}

function sceneUnder(clock: FakeTimers.Clock, names: readonly string[]) {
  const down = new Set<string>(), hung = new Set<string>();
  const dialled: string[] = [], switches: string[] = [];
  const peers: Peer[] = [];
  const endpoints = names.map((name, index) =>
    new Endpoint({
      label: name,
      priority: 10 - index * 5,
      circuit: upstreamBreaker(BREAKER, () => {}),
      isCostly: name.startsWith("$"),
      windowMs: 60_000,
      dial(signal) {
        dialled.push(name);
        if (down.has(name)) return Promise.reject(new Error(`${name} is down`));
        if (hung.has(name)) {
          return new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          );
        }
        const [ours, theirs] = memoryPair();
        peers.push(new Peer(theirs));
        return Promise.resolve(ours);
      },
    })
  );
  const set = new EndpointSet("test", endpoints, OPTIONS, {
    switched: (from, to, why) => switches.push(`${from} ${to} ${why}`),
    unreachable() {},
  });
  return {
    ...{ clock, down, hung, dialled, switches, peers, endpoints, set },
    [Symbol.dispose]() {
      set[Symbol.dispose]();
      clock.uninstall();
    },
  };
}
