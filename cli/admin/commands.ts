/**
 * What `sluice admin` can ask: the question of each command, and its answer as text.
 *
 * @module
 */
import { UsageError } from "../../lib/core/errors.ts";
import type { AdminFlags } from "../admin.ts";
import type { AdminQuestion } from "./ask.ts";
import {
  breakersText,
  cleanupText,
  connectionsText,
  errorsText,
  featuresText,
  leaksText,
  levelsText,
  patternsText,
  poolsText,
  profileText,
  statsText,
  traceText,
} from "./texts.ts";

/** One command. */
export interface AdminCommand {
  /** How many arguments it takes: either of both. */
  readonly words: readonly [number, number];
  readonly usage: string;
  question(words: readonly string[], flags: AdminFlags): AdminQuestion;
  // deno-lint-ignore no-explicit-any -- JSON of a gateway of the same version
  text(answer: any): string;
  // deno-lint-ignore no-explicit-any -- see text()
  after?(answer: any, flags: AdminFlags): Promise<void>;
}

const ADMIN = "/mcp/admin";
const PROFILE_S = 10;
const SNAPSHOT_MS = 150_000;

/** Every command by name. */
export const ADMIN_COMMANDS: Readonly<Record<string, AdminCommand>> = {
  stats: look("stats", "/mcp/stats", statsText),
  connections: {
    words: [0, 0],
    usage: "connections [--sort BY] [--limit N]",
    question: (_, { sort, limit }) => get(`${ADMIN}/connections`, { sort, limit }),
    text: connectionsText,
  },
  patterns: {
    words: [0, 0],
    usage: "patterns [--hours N]",
    question: (_, { hours }) => get(`${ADMIN}/patterns`, { hours }),
    text: patternsText,
  },
  trace: {
    words: [1, 1],
    usage: "trace CLIENT",
    question: ([client]) => ({
      method: "POST",
      path: `${ADMIN}/trace/${encodeURIComponent(client)}`,
    }),
    text: traceText,
  },
  errors: look("errors", `${ADMIN}/errors`, errorsText),
  breakers: look("breakers", `${ADMIN}/breakers`, breakersText),
  pools: look("pools", `${ADMIN}/pools`, poolsText),
  leaks: look("leaks", `${ADMIN}/leaks`, leaksText),
  cleanup: {
    words: [0, 0],
    usage: "cleanup [--idle S]",
    question: (_, { idle }) => ({
      method: "POST",
      path: `${ADMIN}/cleanup`,
      body: idle === undefined ? {} : { idleS: numberOf(idle, "--idle") },
    }),
    text: cleanupText,
  },
  "log-level": {
    words: [0, 2],
    usage: "log-level [COMPONENT LEVEL]",
    question: ([component, level]) =>
      changed(`${ADMIN}/log-levels`, component && { component, level }),
    text: levelsText,
  },
  features: {
    words: [0, 2],
    usage: "features [NAME on|off|PERCENT]",
    question: ([name, share]) =>
      changed(`${ADMIN}/features`, name && { name, percent: shareOf(share) }),
    text: featuresText,
  },
  profile: {
    words: [1, 1],
    usage: "profile cpu|heap [--seconds N] [--output FILE]",
    question: profileQuestion,
    text: profileText,
    async after({ processes }, { output }) {
      const svg = processes.find((one: { svg?: string }) => one.svg !== undefined)?.svg;
      if (output === undefined || svg === undefined) return;
      await Deno.writeTextFile(output, svg, { mode: 0o600 });
    },
  },
};

function look(name: string, path: string, text: AdminCommand["text"]): AdminCommand {
  return { words: [0, 0], usage: name, question: () => get(path), text };
}

function get(
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): AdminQuestion {
  const given = Object.entries(query).filter((pair): pair is [string, string] =>
    pair[1] !== undefined
  );
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
  return { method: "GET", path: `${path}${search}` };
}

/** Without a change the same path only tells how things are. */
function changed(path: string, change: unknown): AdminQuestion {
  return change ? { method: "PUT", path, body: change } : { method: "GET", path };
}

function profileQuestion(
  [what]: readonly string[],
  { seconds, output }: AdminFlags,
): AdminQuestion {
  if (what === "heap") {
    return { method: "POST", path: `${ADMIN}/profile/heap`, body: {}, timeoutMs: SNAPSHOT_MS };
  }
  if (what !== "cpu") {
    throw new UsageError(`Cannot profile ${what}: unknown`, "say profile cpu or profile heap");
  }
  const asked = seconds === undefined ? PROFILE_S : numberOf(seconds, "--seconds");
  const body = { seconds: asked, inline: output !== undefined };
  return { method: "POST", path: `${ADMIN}/profile/cpu`, body, timeoutMs: 1000 * asked + 30_000 };
}

function numberOf(text: string, flag: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < 1e6) return value;
  throw new UsageError(`Cannot read ${flag}: it is no number above 0`, "correct it");
}

function shareOf(text: string): number {
  if (text === "on" || text === "true") return 100;
  if (text === "off" || text === "false") return 0;
  const value = Number(text.replace(/%$/, ""));
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new UsageError(
    "Cannot set feature: the share makes no sense",
    "say on, off, or a number from 0 to 100",
  );
}
