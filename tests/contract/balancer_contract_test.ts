import { STRATEGIES, type StrategyName } from "../../lib/upstream/balancers/strategies.ts";
import { balancerContract } from "./balancer_contract.ts";

const KNOWS: Readonly<Record<StrategyName, readonly [latency: boolean, errors: boolean]>> = {
  roundRobin: [false, false],
  leastLoaded: [false, false],
  leastLatency: [true, true],
  weightedRoundRobin: [true, true],
  adaptive: [true, true],
};

for (const [name, [knowsLatency, knowsErrors]] of Object.entries(KNOWS)) {
  const make = STRATEGIES[name as StrategyName];
  balancerContract({ name, make, knowsLatency, knowsErrors });
}
