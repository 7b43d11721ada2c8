/**
 * `sluice capacity`: what a load needs, by multiplication of what was measured.
 *
 * @module
 */
import Table from "cli-table3";
import { DEFAULTS } from "../lib/config/defaults.ts";
import { UsageError } from "../lib/core/errors.ts";
import {
  BASE_MIB,
  CONNECTION,
  CPU_SHARE_MAX,
  DESCRIPTORS_OF_PROCESS,
  DESCRIPTORS_SHARE,
  MEMORY_SHARE_MAX,
  SERVERS,
  type Servers,
  SOURCES,
  type Transport,
  TRANSPORTS,
  WIRE_BYTES,
} from "./capacity_figures.ts";

/** Flags as commander hands them over. */
export interface CapacityFlags {
  readonly clients?: string;
  readonly calls?: string;
  readonly messageBytes?: string;
  readonly callMs?: string;
  readonly transport?: Transport;
  readonly servers?: Servers;
  readonly serverMib?: string;
  readonly memoryMib?: string;
  readonly cores?: string;
  readonly json?: boolean;
}

/** A load, and the machines for it. */
export interface Load {
  readonly clients: number;
  /** Of one client, per second. */
  readonly calls: number;
  /** Of one message, on average. */
  readonly messageBytes: number;
  readonly callMs: number;
  readonly transport: Transport;
  readonly servers: Servers;
  /** Memory of one process of a server. */
  readonly serverMib: number;
  /** Memory of one machine. */
  readonly memoryMib: number;
  readonly cores: number;
}

/** What it needs. */
export interface Capacity {
  readonly callsPerSecond: number;
  /** Calls under way at once (Little's law). */
  readonly callsOpen: number;
  readonly cpuMicrosecondsPerCall: number;
  /** Cores that the gateway keeps busy. */
  readonly coresBusy: number;
  /** Workers in all, so that none is busier than {@link CPU_SHARE_MAX}. */
  readonly workers: number;
  readonly gatewayMib: number;
  readonly serverProcesses: number;
  readonly serversMib: number;
  /** Each way, between clients and gateway. */
  readonly megabitsPerSecond: number;
  readonly descriptors: number;
  /** Machines, and what asks for the most of them. */
  readonly machines: number;
  readonly limitedBy: "cores" | "MiB";
  /** Clients that one machine carries with such a load. */
  readonly clientsPerMachine: number;
}

/**
 * What a load needs.
 *
 * @throws {UsageError} a machine that cannot even hold one client
 */
export function capacityOf(load: Load): Capacity {
  const { clients, calls, messageBytes, callMs, transport, servers, cores, memoryMib } = load;
  const callsPerSecond = clients * calls;
  const callsOpen = callsPerSecond * callMs / 1000;
  const client = CONNECTION[transport], server = SERVERS[servers];
  const cpuMicrosecondsPerCall = client.microseconds + server.microseconds +
    2 * messageBytes / 1024 * server.kibMicroseconds;
  const coresBusy = callsPerSecond * cpuMicrosecondsPerCall / 1e6;
  const workers = Math.max(1, Math.ceil(coresBusy / CPU_SHARE_MAX));
  // A message is held as it came and as it goes.
  const buffersMib = callsOpen * 2 * messageBytes / 2 ** 20;
  const clientsMib = clients * (client.kib + server.kib) / 1024 + buffersMib;
  const gatewayMib = workers * BASE_MIB + clientsMib;
  const serverProcesses = processesOf(servers, clients, callsOpen);
  const serversMib = serverProcesses * load.serverMib;
  const byCores = workers / cores;
  const isShared = servers === "shared"; // then each machine has the one process
  const perMachineMib = memoryMib * MEMORY_SHARE_MAX - cores * BASE_MIB -
    (isShared ? load.serverMib : 0);
  const oneClientMib = (clientsMib + (isShared ? 0 : serversMib)) / clients;
  if (perMachineMib < oneClientMib) {
    throw new UsageError(
      `Cannot calculate: a machine of ${memoryMib} MiB holds no client`,
      "give more --memory-mib",
    );
  }
  const byMemory = clients * oneClientMib / perMachineMib;
  const machines = Math.max(1, Math.ceil(Math.max(byCores, byMemory)));
  const cpuOfClient = calls * cpuMicrosecondsPerCall / 1e6;
  return {
    callsPerSecond,
    callsOpen,
    cpuMicrosecondsPerCall,
    coresBusy,
    workers,
    gatewayMib,
    serverProcesses,
    serversMib,
    megabitsPerSecond: callsPerSecond * (messageBytes + WIRE_BYTES[transport]) * 8 / 1e6,
    descriptors: Math.ceil(clients * client.descriptors / DESCRIPTORS_SHARE) +
      DESCRIPTORS_OF_PROCESS * serverProcesses,
    machines,
    limitedBy: byMemory > byCores ? "MiB" : "cores",
    clientsPerMachine: Math.floor(
      Math.min(perMachineMib / oneClientMib, cores * CPU_SHARE_MAX / cpuOfClient),
    ),
  };
}

function processesOf(servers: Servers, clients: number, callsOpen: number): number {
  if (servers === "session") return clients;
  if (servers === "pool") return Math.max(1, Math.ceil(callsOpen));
  return servers === "shared" ? 1 : 0;
}

/**
 * The answer as text, with its last line end.
 *
 * @throws {UsageError} flags that are no numbers
 */
export function capacity(flags: CapacityFlags): string {
  const load = loadOf(flags);
  const needed = capacityOf(load);
  if (flags.json === true) return `${JSON.stringify({ load, needed, assumptions: SOURCES })}\n`;
  return `${table(load, needed)}\n\n${
    assumptions(load, needed).map((line) => `- ${line}\n`).join("")
  }`;
}

function table(load: Load, needed: Capacity): string {
  const made = new Table({ head: ["", "NEEDED", "HOW"], style: { head: [], border: [] } });
  const { clients, calls, callMs, messageBytes, transport, servers, serverMib } = load;
  const { kib, descriptors } = CONNECTION[transport];
  const clientKib = kib + SERVERS[servers].kib;
  made.push(
    ["calls", `${shown(needed.callsPerSecond)}/s`, `${shown(clients)} clients x ${shown(calls)}/s`],
    ["calls under way", shown(needed.callsOpen), `calls/s x ${shown(callMs)} ms`],
    [
      "CPU of the gateway",
      `${shown(needed.coresBusy)} cores`,
      `calls/s x ${shown(needed.cpuMicrosecondsPerCall)} us (${transport} to ${servers})`,
    ],
    ["--workers, in all", shown(needed.workers), `cores busy / ${CPU_SHARE_MAX}, rounded up`],
    [
      "memory of the gateway",
      `${shown(needed.gatewayMib)} MiB`,
      `${BASE_MIB} MiB a worker + ${clientKib} KiB a client + messages under way`,
    ],
    [
      "memory of the servers",
      `${shown(needed.serversMib)} MiB`,
      `${shown(needed.serverProcesses)} processes x ${shown(serverMib)} MiB`,
    ],
    [
      "network, each way",
      `${shown(needed.megabitsPerSecond)} Mbit/s`,
      `calls/s x (${shown(messageBytes)} + ${WIRE_BYTES[transport]} bytes)`,
    ],
    [
      "open files (LimitNOFILE)",
      shown(needed.descriptors),
      `clients x ${descriptors} / ${DESCRIPTORS_SHARE} + ${DESCRIPTORS_OF_PROCESS} a process`,
    ],
    [
      "machines",
      shown(needed.machines),
      `of ${shown(load.cores)} cores, ${shown(load.memoryMib)} MiB; ${needed.limitedBy} decide`,
    ],
    ["clients of one machine", shown(needed.clientsPerMachine), "with such a load"],
  );
  return made.toString();
}

function assumptions({ servers, clients }: Load, { machines }: Capacity): string[] {
  return [
    ...SOURCES,
    `A worker is full at ${100 * CPU_SHARE_MAX} % of a core, a machine at ${
      100 * MEMORY_SHARE_MAX
    } % of its memory.`,
    ...servers === "session"
      ? [
        `Each of ${
          shown(clients)
        } sessions has a process of its own: --shared or a pool needs far fewer.`,
      ]
      : [],
    ...servers === "shared"
      ? ["One process answers everybody: it has to keep up with all calls by itself."]
      : [],
    ...clients / machines > DEFAULTS.limits.sessions
      ? [`limits.sessions has to be raised: ${shown(DEFAULTS.limits.sessions)} by default.`]
      : [],
    "Clients from one address are limits.connectionsPerAddress at most, unless http.trustedProxies names the proxy they come through.",
    ...machines > 1
      ? [
        "A session stays on one machine: the balancer has to bring its client back there (docs/deployment.md).",
      ]
      : [
        "One machine that is lost takes everything along: two of them, if that matters (docs/deployment.md).",
      ],
  ];
}

/** @throws {UsageError} flags that are no numbers */
function loadOf(flags: CapacityFlags): Load {
  return {
    clients: numberOf("--clients", flags.clients, 1000, 1),
    calls: numberOf("--calls", flags.calls, 1),
    messageBytes: numberOf("--message-bytes", flags.messageBytes, 1024, 1),
    callMs: numberOf("--call-ms", flags.callMs, 50),
    transport: flags.transport ?? TRANSPORTS[0],
    servers: flags.servers ?? "shared",
    serverMib: numberOf("--server-mib", flags.serverMib, 60),
    memoryMib: numberOf("--memory-mib", flags.memoryMib, 4096, 1),
    cores: numberOf("--cores", flags.cores, 2, 1),
  };
}

const NUMBER = /^\d+(\.\d+)?$/;
const NUMBER_MAX = 1e12;

function numberOf(flag: string, text: string | undefined, preset: number, min = 0): number {
  if (text === undefined) return preset;
  const number = Number(text);
  if (NUMBER.test(text) && number >= min && number <= NUMBER_MAX) return number;
  throw new UsageError(
    `Cannot read command line: ${flag} is no number of that kind`,
    `give one from ${min}`,
  );
}

/** Three digits that mean something. */
function shown(value: number): string {
  return value.toLocaleString(
    "en",
    value < 100 ? { maximumSignificantDigits: 3 } : {
      maximumFractionDigits: 0,
    },
  );
}
