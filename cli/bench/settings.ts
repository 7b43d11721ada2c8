/**
 * The flags of `sluice bench`, read and checked.
 *
 * @module
 */
import type { Endpoint } from "../../lib/core/connection.ts";
import type { Era } from "../../lib/core/eras.ts";
import { UsageError } from "../../lib/core/errors.ts";
import { type Plan, type Scenario, SCENARIOS, TOOL_ARGUMENTS } from "../../lib/bench/plan.ts";
import { CONNECTIONS_MAX } from "../../lib/bench/question.ts";
import { commandEndpoint, parseUpstreamUrl } from "../../lib/config/endpoints.ts";

/** Flags as commander hands them over. */
export interface BenchFlags {
  readonly duration?: string;
  readonly warmUp?: string;
  readonly connections?: string;
  readonly inflight?: string;
  readonly rate?: string;
  readonly scenario?: string;
  readonly tool?: string;
  readonly args?: string;
  readonly era?: string;
  readonly workers?: string;
  readonly repeat?: string;
  readonly timeout?: string;
  readonly direct?: string;
  readonly json?: string;
  readonly html?: string;
  readonly compare?: string;
  readonly threshold?: string;
}

/** What is to be done. */
export interface BenchSettings {
  readonly target: Endpoint;
  readonly direct: Endpoint | undefined;
  /** The era is still to be found out where `isEraOpen`. */
  readonly plan: Plan;
  readonly isEraOpen: boolean;
  readonly workers: number;
  readonly repeat: number;
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly compare: string | undefined;
  readonly threshold: number;
}

const ERAS = ["legacy", "modern", "auto"];
const DEFAULTS = {
  durationS: 10,
  soakS: 600,
  connections: 10,
  idleConnections: 100,
  overloadInflight: 16,
  timeoutS: 30,
};
/** Rounds against one another, and repeats that show the noise of a comparison. */
const REPEATS = 3;
/** Warm-up, where none is given: a fifth of the measured time, at most so long, s. */
const WARM_UP_MAX_S = 2;

/**
 * Reads the flags.
 *
 * @param command program and arguments after `--`
 * @throws {UsageError} anything wrong in them, or that does not go together
 */
export function benchSettings(
  url: string | undefined,
  command: readonly string[] | undefined,
  flags: BenchFlags,
): BenchSettings {
  const scenario = scenarioOf(flags.scenario);
  const durationS = positive(flags, "duration", scenarioDuration(scenario));
  const warmUpS = number(flags, "warmUp", Math.min(WARM_UP_MAX_S, durationS / 5), 0);
  const settings: BenchSettings = {
    target: targetOf(url, command),
    direct: flags.direct === undefined ? undefined : endpointOf(flags.direct),
    plan: {
      scenario,
      era: eraOf(flags.era),
      connections: count(flags, "connections", connectionsOf(scenario), CONNECTIONS_MAX - 1),
      inflight: count(flags, "inflight", inflightOf(scenario), 100_000),
      ...flags.rate === undefined ? {} : { ratePerSecond: positive(flags, "rate", 0) },
      durationMs: 1000 * durationS,
      warmUpMs: 1000 * warmUpS,
      callTimeoutMs: 1000 * positive(flags, "timeout", DEFAULTS.timeoutS),
      tool: flags.tool ?? "echo",
      toolArguments: argumentsOf(flags.args),
      firstConnection: 0,
    },
    isEraOpen: flags.era === "auto",
    workers: count(flags, "workers", 1, 256),
    repeat: count(
      flags,
      "repeat",
      (flags.direct ?? flags.compare) === undefined ? 1 : REPEATS,
      1000,
    ),
    json: flags.json,
    html: flags.html,
    compare: flags.compare,
    threshold: number(flags, "threshold", 0.1, 0),
  };
  throwUnlessFitting(settings, flags);
  return settings;
}

function scenarioDuration(scenario: Scenario): number {
  return scenario === "soak" ? DEFAULTS.soakS : DEFAULTS.durationS;
}

function connectionsOf(scenario: Scenario): number {
  return scenario === "idle-hold" ? DEFAULTS.idleConnections : DEFAULTS.connections;
}

/** One call at a time on few connections finds no capacity. */
function inflightOf(scenario: Scenario): number {
  return scenario === "overload" ? DEFAULTS.overloadInflight : 1;
}

function scenarioOf(name = "echo"): Scenario {
  if (Object.hasOwn(SCENARIOS, name)) return name as Scenario;
  throw new UsageError(
    `Cannot bench: there is no scenario ${name}`,
    `choose one of ${Object.keys(SCENARIOS).join(", ")}`,
  );
}

/** `auto` stands for the older era until the server has been asked. */
function eraOf(era = "legacy"): Era {
  if (ERAS.includes(era)) return era === "modern" ? "modern" : "legacy";
  throw new UsageError(`Cannot bench: there is no era ${era}`, `choose one of ${ERAS.join(", ")}`);
}

function argumentsOf(text: string | undefined): string {
  if (text === undefined) return TOOL_ARGUMENTS;
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  } catch {
    // told below
  }
  throw new UsageError("Cannot read --args: it is no JSON object", 'write {"name": "value"}');
}

function targetOf(url: string | undefined, command: readonly string[] | undefined): Endpoint {
  if ((url === undefined) === (command === undefined)) {
    throw new UsageError(
      `Cannot bench: ${url === undefined ? "no server is named" : "there are two servers"}`,
      "give one URL, or a command after --",
    );
  }
  if (url !== undefined) return endpointOf(url);
  const [program, ...args] = command!;
  return commandEndpoint({ program, args });
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseUpstreamUrl(text);
  if (endpoint.url.href !== "builtin:echo") return endpoint;
  throw new UsageError(
    "Cannot bench builtin:echo: it answers within a gateway only",
    "run sluice serve --upstream echo=builtin:echo, and give its URL",
  );
}

function throwUnlessFitting({ plan, workers }: BenchSettings, flags: BenchFlags): void {
  const { scenario, connections } = plan;
  const refuse = (why: string, advice: string): never => {
    throw new UsageError(`Cannot bench ${scenario}: ${why}`, advice);
  };
  if (scenario === "variable" && flags.rate === undefined) {
    refuse("its waves need a rate", "give --rate");
  }
  if (flags.rate !== undefined && ["connect-storm", "slow-client", "fan-out"].includes(scenario)) {
    refuse("it has no rate", "leave out --rate");
  }
  if (["slow-client", "fan-out"].includes(scenario) && connections < 2) {
    refuse("it needs two connections", "give --connections 2 or more");
  }
  if (scenario !== "fan-out") return;
  if (flags.tool === undefined) {
    refuse("it needs a tool that makes the server notify every client", "give --tool");
  }
  if (workers > 1) refuse("its streams have to be in one process", "leave out --workers");
  if (flags.era !== undefined && flags.era !== "legacy") {
    refuse("it counts streams of the era with handshake", "leave out --era");
  }
}

type NumberFlag = "duration" | "warmUp" | "rate" | "threshold" | "timeout";

function positive(flags: BenchFlags, key: NumberFlag, preset: number): number {
  const value = number(flags, key, preset, 0);
  if (value > 0 || flags[key] === undefined) return value;
  throw badNumber(key, flags[key], "a number above 0");
}

function number(flags: BenchFlags, key: NumberFlag, preset: number, min: number): number {
  const text = flags[key];
  if (text === undefined) return preset;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value >= min) return value;
  throw badNumber(key, text, "a number");
}

function count(
  flags: BenchFlags,
  key: "connections" | "inflight" | "workers" | "repeat",
  preset: number,
  max: number,
): number {
  const text = flags[key];
  if (text === undefined) return preset;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw badNumber(key, text, `a whole number from 1 to ${max}`);
}

function badNumber(key: string, text: string, wanted: string): UsageError {
  const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new UsageError(`Cannot read --${flag}: it is ${text}`, `give ${wanted}`);
}
