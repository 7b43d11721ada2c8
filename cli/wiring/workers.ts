/**
 * This process as one of several that are one gateway: what the others may ask it, and what all say together.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ADMIN_PATH } from "../../lib/admin/agent.ts";
import type { WorkerFacts } from "../../lib/admin/routes.ts";
import type { Endpoint } from "../../lib/core/connection.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { Overview } from "../../lib/telemetry/overview.ts";
import { mergedOverview } from "../../lib/telemetry/watch/merged_overview.ts";
import {
  mergedRegistry,
  type MetricSnapshot,
  snapshotOf,
} from "../../lib/workers/merged_metrics.ts";
import { WorkerGroup, type WorkerPlace } from "../../transports/workers/group.ts";
import type { Base, State } from "./base.ts";

/** Which of several processes this one is, and what it is told while it runs. */
export interface WorkerSeat {
  readonly place: WorkerPlace;
  /** Times that this worker has been started again. */
  readonly restarts: number;
  /** Resolves when this worker is the one that exports by shared memory. */
  readonly exports: Promise<void>;
}

/** What listeners and routes need to know of the others. */
export interface Worker {
  readonly group: WorkerGroup;
  readonly facts: WorkerFacts;
  /** How the gateway does, of the workers that answer. */
  overview(): Promise<Overview>;
  /** Whether an address is for another worker alone: files of sockets cannot be shared. */
  leaves(endpoint: Endpoint): boolean;
}

/** Who is busy for longer is left out, ms. */
const ANSWER_MS = 1000;
const METRICS = "/metrics", HEALTH = "/health", OVERVIEW = "/overview";

/**
 * Takes a seat among the workers; left when the gateway ends.
 *
 * @throws {TransportError} when the others could not reach it
 */
export async function joinWorkers(base: Base, seat: WorkerSeat, state: State): Promise<Worker> {
  const { place, restarts } = seat;
  const { registry } = base;
  registry.gauge({
    name: "sluice_workers",
    help: "Processes that the gateway should be.",
    acrossWorkers: "max",
  }).with({}).set(place.count);
  registry.counter({
    name: "sluice_worker_restarts_total",
    help: "Workers that were started again after they had ended.",
  }).with({}).inc(restarts);
  const relayed = registry.counter({
    name: "sluice_relayed_requests_total",
    help: "Requests carried to another worker because it has their session.",
  }).with({});
  const group = await WorkerGroup.open(place, {
    connections: base.connections,
    answer: answersOf(base, state),
    onRelayed: () => relayed.inc(),
  });
  base.owned.push(group);
  base.security.join(group);
  const leaves = ({ url }: Endpoint) => url.protocol === "unix:" && place.number !== 1;
  const overview = async () => {
    const others = await group.askOthers(OVERVIEW, ANSWER_MS);
    const overviews = others.map((text): Overview => JSON.parse(text));
    return mergedOverview([base.watch!.snapshot(), ...overviews]);
  };
  return { group, leaves, facts: factsOf(group, registry, state), overview };
}

/** What another worker may ask. */
function answersOf(base: Base, state: State) {
  const answers: Readonly<Record<string, () => unknown>> = {
    [METRICS]: () => snapshotOf(base.registry),
    [HEALTH]: () => state.sessions(),
    [OVERVIEW]: () => base.watch?.snapshot(),
  };
  return (req: IncomingMessage, res: ServerResponse): void => {
    if (base.security.siblings.handle(req, res)) return;
    if (req.url?.startsWith(ADMIN_PATH)) return answerOperator(base, req.url, res);
    const answer = answers[req.url ?? ""]?.();
    if (answer === undefined) return void res.writeHead(404).end();
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  };
}

function answerOperator({ admin }: Base, path: string, res: ServerResponse): void {
  const fail = () => void res.writeHead(500).end();
  if (admin === undefined) return fail();
  admin.answer(path).then((json) => {
    res.writeHead(200, { "content-type": "application/json" }).end(json);
  }, fail); // the asker tells what it cannot do itself
}

function factsOf(group: WorkerGroup, registry: Registry, state: State): WorkerFacts {
  const configured = group.place.count;
  return {
    async metrics() {
      const others = await group.askOthers(METRICS, ANSWER_MS);
      const snapshots = others.map((text): MetricSnapshot[] => JSON.parse(text));
      const merged = mergedRegistry([snapshotOf(registry), ...snapshots]);
      merged.gauge({
        name: "sluice_workers_answered",
        help: "Workers that these figures are of; the others did not answer in time.",
      }).with({}).set(1 + others.length);
      return merged;
    },
    async health() {
      const others = await group.askOthers(HEALTH, ANSWER_MS);
      const sessions = others.reduce((sum, text) => sum + Number(text), state.sessions());
      return { sessions, workers: { configured, answered: 1 + others.length } };
    },
  };
}
