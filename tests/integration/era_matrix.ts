/**
 * Clients of each protocol version, on each transport of the gateway, before a server of each protocol
 * version: 125 pairs, with real processes.
 *
 * @module
 */
import { bounded } from "../fixtures/child_wait.ts";
import { ERA_VERSIONS, EraClient, type EraVersion, MODERN } from "../fixtures/era_client.ts";
import { sessionlessWire, sessionWire } from "../fixtures/era_http_wire.ts";
import { EraReports } from "../fixtures/era_reports.ts";
import { eraServer } from "../fixtures/era_server.ts";
import {
  type EraWire,
  sseWire,
  stdioWire,
  tcpWire,
  webSocketWire,
  type WireEvents,
} from "../fixtures/era_wire.ts";
import { sluice, type SluiceServe, startServe } from "../fixtures/sluice.ts";
import { type Feature, FEATURES, isDefined, TRIES } from "./era_features.ts";

/** Ways into the gateway. */
export const TRANSPORTS = ["stdio", "tcp", "ws", "sse", "http"] as const;
/** One of them. */
export type EraTransport = typeof TRANSPORTS[number];

/** What of a cell makes no sense in one of its versions. */
export const UNDEFINED = "–";

/** How one client went. */
export interface EraCell {
  readonly client: EraVersion;
  readonly upstream: EraVersion;
  readonly transport: EraTransport;
  /** `ok`, {@link UNDEFINED}, or why not. */
  readonly outcomes: Readonly<Record<Feature, string>>;
  /** What must not happen at all. */
  readonly faults: readonly string[];
}

/** Cells at a time: with more, two cores do not finish earlier. */
const AT_ONCE = 8;
/** A cell takes 1 s. */
const CELL_MS = 100_000;

/** Runs all of it; `only` leaves out cells. */
export async function runEraMatrix(
  only: (cell: Pick<EraCell, "client" | "upstream" | "transport">) => boolean = () => true,
): Promise<EraCell[]> {
  await using reports = new EraReports();
  await using gateways = await EraGateways.start();
  const waiting = ERA_VERSIONS.flatMap((upstream) =>
    ERA_VERSIONS.flatMap((client) =>
      TRANSPORTS.map((transport) => ({ client, upstream, transport }))
    )
  ).filter(only);
  const cells: EraCell[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { client, upstream, transport } = next;
      const connect = gateways.door(upstream, transport, client);
      const cell = await bounded(runCell(client, upstream, connect, reports), "a cell", CELL_MS);
      cells.push({ ...next, ...cell });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await gateways.stop();
  return cells;
}

type Connect = (events: WireEvents) => EraWire | Promise<EraWire>;

async function runCell(
  version: EraVersion,
  upstream: EraVersion,
  connect: Connect,
  reports: EraReports,
): Promise<Pick<EraCell, "outcomes" | "faults">> {
  const nonce = crypto.randomUUID().slice(0, 8);
  let client: EraClient;
  try {
    client = await EraClient.open(version, nonce, connect);
  } catch (error) {
    return { outcomes: allOf(() => (error as Error).message), faults: [] };
  }
  const outcomes = allOf(() => UNDEFINED) as Record<Feature, string>;
  for (const feature of FEATURES.filter((it) => isDefined(it, version, upstream))) {
    outcomes[feature] = await TRIES[feature]({ client, nonce, reports }).then(
      () => "ok",
      (error) => (error as Error).message,
    );
  }
  await client[Symbol.asyncDispose]().catch((error) => client.faults.push(error.message));
  return { outcomes, faults: client.faults };
}

function allOf(outcome: () => string): Record<Feature, string> {
  return Object.fromEntries(FEATURES.map((it) => [it, outcome()])) as Record<Feature, string>;
}

/** A gateway before a server of each version. Clients on stdio start one of their own. */
class EraGateways implements AsyncDisposable {
  readonly #serves: ReadonlyMap<EraVersion, SluiceServe>;

  private constructor(serves: ReadonlyMap<EraVersion, SluiceServe>) {
    this.#serves = serves;
  }

  static async start(): Promise<EraGateways> {
    const starting = ERA_VERSIONS.map(async (version) => {
      const flags = ["--listen", "tcp://127.0.0.1:0"];
      return [version, await startServe(eraServer(version), { flags })] as const;
    });
    const started = await Promise.allSettled(starting);
    const up = started.filter((it) => it.status === "fulfilled").map(({ value }) => value);
    const gateways = new EraGateways(new Map(up));
    const failed = started.find((it) => it.status === "rejected");
    if (failed === undefined) return gateways;
    await gateways[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** How a client gets in. */
  door(upstream: EraVersion, transport: EraTransport, client: EraVersion): Connect {
    const { program, args } = eraServer(upstream);
    const serve = this.#serves.get(upstream)!;
    const url = (pattern: RegExp) => new URL(pattern.exec(serve.stdout())![1]);
    return (events) => {
      switch (transport) {
        case "stdio":
          return stdioWire(sluice("serve", "--listen", "stdio:", "--", program, ...args), events);
        case "tcp":
          return tcpWire(url(/(tcp:\S+)/), events);
        case "ws":
          return webSocketWire(url(/(ws:\S+)/), events);
        case "sse":
          return sseWire(url(/SSE +(\S+)/), events);
        case "http":
          return client === MODERN
            ? sessionlessWire(serve.url, client, events)
            : sessionWire(serve.url, events);
      }
    };
  }

  /** Ends all in order. @throws {Error} when one complains, or does not end */
  async stop(): Promise<void> {
    for (const [version, serve] of this.#serves) {
      const { code } = await serve.stop();
      const log = serve.stderr();
      if (code === 0 && !/"level":"(error|fatal)"/.test(log)) continue;
      throw new Error(`Cannot accept the end of the gateway before ${version}: ${code} ${log}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const serve of this.#serves.values()) await serve[Symbol.asyncDispose]();
  }
}
