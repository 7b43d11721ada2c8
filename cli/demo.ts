/**
 * `deno task demo`: the gateway at work. Starts it before the reference server of the MCP project and before
 * its own demo server, calls both with the official client in every way there is, and prints what came back.
 * Ends with status 0 only when all of it was as expected.
 *
 * @module
 */
import type { Client } from "@modelcontextprotocol/sdk/client";
import Table from "cli-table3";
import { reasonOf } from "../lib/core/errors.ts";
import { type Check, createDemoClient, DEMO_CHECKS, EVERYTHING_CHECKS } from "./demo/checks.ts";
import { connectHttp, connectProxy, type Session, startServe } from "./demo/ways.ts";
import { EXIT_DONE, EXIT_FAILED } from "./errors.ts";

const EVERYTHING = "npm:@modelcontextprotocol/server-everything@2026.8.31";
/** Not part of the project's lock file, hence outside its configuration. */
const OUTSIDE = ["--quiet", "--no-config", "--no-lock"];
const ANSWER_LENGTH_MAX = 40;
/** It takes 3 s, after the first download. */
const DEMO_MS = 45_000;

/** A server behind the gateway. */
interface Subject {
  readonly title: string;
  /** Arguments of `serve` and `proxy` that put it behind them. */
  readonly serve: readonly string[];
  readonly proxy: readonly string[];
  readonly proxyName: string;
  readonly checks: readonly Check[];
}

/** What came of one check on one way. */
interface Outcome {
  readonly answer: string;
  readonly p50Ms: number;
  readonly isExpected: boolean;
}

const LATE = `Cannot show everything: it takes longer than ${DEMO_MS / 1000} s`;
const late = Promise.withResolvers<never>();

type Connect = (client: Client) => Promise<Session>;

const everything = ["--", Deno.execPath(), "run", "-A", ...OUTSIDE, EVERYTHING, "stdio"];
const SUBJECTS: readonly Subject[] = [
  {
    title: "@modelcontextprotocol/server-everything, a program that speaks over stdio",
    serve: everything,
    proxy: everything,
    proxyName: "-- COMMAND",
    checks: EVERYTHING_CHECKS,
  },
  {
    title: "builtin:demo, the server inside Sluice",
    serve: ["--upstream", "demo=builtin:demo"],
    proxy: ["builtin:demo"],
    proxyName: "builtin:demo",
    checks: DEMO_CHECKS,
  },
];

async function main(): Promise<number> {
  await fetchServer();
  const startMs = performance.now();
  Deno.unrefTimer(setTimeout(() => late.reject(new Error(LATE)), DEMO_MS));
  let calls = 0, unexpected = 0;
  for (const subject of SUBJECTS) {
    const ways = await useEveryWay(subject);
    print(`\n${subject.title}\n${tableOf(subject, ways)}`);
    for (const outcome of [...ways.values()].flat()) if (!outcome.isExpected) unexpected++;
    const rounds = subject.checks.reduce((sum, { repeats }) => sum + repeats, 1);
    calls += rounds * ways.size;
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const verdict = unexpected === 0
    ? `Every answer was as expected: ${calls} calls in ${seconds} s.`
    : `${unexpected} answers were not as expected: see the lines with "!".`;
  print(verdict);
  return unexpected === 0 ? EXIT_DONE : EXIT_FAILED;
}

/** So that the first call does not wait for a download. */
async function fetchServer(): Promise<void> {
  const args = ["cache", ...OUTSIDE, EVERYTHING];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (success) return;
  throw new Error(`Cannot fetch ${EVERYTHING}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Waits, but not for longer than the demo may take. */
function inTime<T>(promise: Promise<T>): Promise<T> {
  return Promise.race([promise, late.promise]);
}

/** Runs all checks on each way; the name of a way says what the messages pass. */
async function useEveryWay(subject: Subject): Promise<Map<string, Outcome[]>> {
  await using serve = await startServe(subject.serve);
  const ways: Record<string, Connect> = {
    "HTTP\n> serve": (client) => connectHttp(client, serve.url),
    "stdio > proxy\n> HTTP > serve": (client) => connectProxy(client, [serve.url.href]),
    [`stdio > proxy\n${subject.proxyName}`]: (client) => connectProxy(client, subject.proxy),
  };
  const outcomes = new Map<string, Outcome[]>();
  for (const [name, connect] of Object.entries(ways)) {
    outcomes.set(name, await useOneWay(subject, connect));
  }
  return outcomes;
}

async function useOneWay(subject: Subject, connect: Connect): Promise<Outcome[]> {
  const client = createDemoClient();
  const startMs = performance.now();
  await using _session = await inTime(connect(client)).catch(async (error) => {
    await client.close();
    throw error;
  });
  const readyMs = performance.now() - startMs;
  const { name, version } = client.getServerVersion() ?? { name: "nobody", version: "" };
  const outcomes = [{
    answer: `${name} ${version}`,
    p50Ms: readyMs,
    isExpected: name !== "nobody",
  }];
  for (const check of subject.checks) outcomes.push(await outcomeOf(check, client));
  return outcomes;
}

async function outcomeOf(check: Check, client: Client): Promise<Outcome> {
  const durationsMs: number[] = [];
  let answer = "";
  let isExpected = true;
  try {
    for (let i = 0; i < check.repeats && isExpected; i++) {
      const startMs = performance.now();
      answer = await inTime(check.run(client));
      durationsMs.push(performance.now() - startMs);
      isExpected = check.expected.test(answer);
    }
  } catch (error) {
    [answer, isExpected] = [reasonOf(error), false];
  }
  const p50Ms = durationsMs.sort((a, b) => a - b)[durationsMs.length >> 1] ?? NaN;
  const [shown] = check.expected.exec(answer) ?? [answer]; // of a long answer, the part that matters
  return { answer: shown, p50Ms, isExpected };
}

function tableOf({ checks }: Subject, ways: ReadonlyMap<string, readonly Outcome[]>): string {
  const table = new Table({
    head: ["called", "answer", ...[...ways.keys()].map((name) => `${name}\np50 in ms`)],
    colAligns: ["left", "left", ...[...ways.keys()].map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  const called = ["initialize, with the start", ...checks.map(({ called }) => called)];
  for (const [i, what] of called.entries()) {
    const outcomes = [...ways.values()].map((all) => all[i]);
    const shown = outcomes.find(({ isExpected }) => !isExpected) ?? outcomes[0];
    const times = outcomes.map(({ p50Ms, isExpected }) => `${isExpected ? "" : "! "}${ms(p50Ms)}`);
    table.push([what, shortened(shown.answer), ...times]);
  }
  return table.toString();
}

function ms(durationMs: number): string {
  return Number.isNaN(durationMs) ? "no answer" : durationMs.toFixed(durationMs < 10 ? 2 : 0);
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= ANSWER_LENGTH_MAX ? line : `${line.slice(0, ANSWER_LENGTH_MAX - 1)}…`;
}

function print(text: string): void {
  console.log(text);
}

try {
  Deno.exitCode = await main();
} catch (error) {
  console.error(`demo: ${reasonOf(error)}`);
  Deno.exitCode = EXIT_FAILED;
}
