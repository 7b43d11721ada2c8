/**
 * Generators in processes of their own, and the side of them that runs there. They talk in lines of
 * JSON: plan and `go` to the worker on stdin, events back on stdout. When stdin ends the worker stops.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Endpoint } from "../../lib/core/connection.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import type { Generator } from "../../lib/bench/measure.ts";
import type { Plan, Scenario } from "../../lib/bench/plan.ts";
import { runPlan } from "../../lib/bench/run_plan.ts";
import type { Second, TallyReport } from "../../lib/bench/tally.ts";
import { EXIT_DONE, EXIT_FAILED } from "../errors.ts";

/** Name of the hidden command that is a worker. */
export const WORKER_COMMAND = "bench-worker";

/** An endpoint as JSON. */
interface SentEndpoint extends Omit<Endpoint, "url"> {
  readonly url: string;
}

/** What a worker is told first. */
interface Order {
  readonly plan: Plan;
  readonly endpoint: SentEndpoint;
}

type Event =
  | { readonly event: "ready"; readonly pids: readonly number[] }
  | { readonly event: "measuring" | "measured" }
  | { readonly event: "second"; readonly second: Second }
  | { readonly event: "report"; readonly report: TallyReport }
  | { readonly event: "failed"; readonly reason: string };

/** A worker that does not end by itself is ended after so long, ms. */
const END_MS = 15_000;

/** Runs each share in a process of its own. */
export function processGenerator(endpoint: Endpoint): Generator {
  return async (plan, events, signal) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: workerArgs(),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const input = child.stdin.getWriter();
    const say = (value: unknown) => input.write(encoder.encode(`${JSON.stringify(value)}\n`));
    const stop = () => void input.close().catch(() => {}); // it may have ended already
    let killing: ReturnType<typeof setTimeout> | undefined;
    const giveUp = () => {
      stop();
      killing = setTimeout(() => child.kill("SIGKILL"), END_MS);
    };
    try {
      await say({ plan, endpoint: { ...endpoint, url: endpoint.url.href } } satisfies Order);
      signal.addEventListener("abort", giveUp, { once: true });
      let report: TallyReport | undefined;
      for await (const line of linesOf(child.stdout)) {
        const event: Event = JSON.parse(line);
        switch (event.event) {
          case "ready":
            void events.ready(event.pids).then(() => say("go")).catch(() => {}); // it has ended
            break;
          case "second":
            events.second(event.second);
            break;
          case "report":
            report = event.report;
            break;
          case "failed":
            throw new TransportError(event.reason);
          default:
            events[event.event]();
        }
      }
      if (report !== undefined) return report;
      throw new TransportError("Cannot bench: a worker ended without a report");
    } finally {
      signal.removeEventListener("abort", giveUp);
      if (!signal.aborted) stop();
      await child.status;
      clearTimeout(killing);
    }
  };
}

/** The other side: runs one share that is told on stdin. @param dialOf makes the way to the server */
export async function runWorker(
  dialOf: (
    endpoint: Endpoint,
    scenario: Scenario,
  ) => Promise<{ dial: Parameters<typeof runPlan>[1] } & AsyncDisposable>,
): Promise<number> {
  const lines = linesOf(Deno.stdin.readable);
  const tell = (event: Event) => writeAll(`${JSON.stringify(event)}\n`);
  try {
    const { value } = await lines.next();
    const { plan, endpoint }: Order = JSON.parse(value!);
    await using way = await dialOf({ ...endpoint, url: new URL(endpoint.url) }, plan.scenario);
    const stopped = new AbortController();
    const go = Promise.withResolvers<void>();
    void (async () => {
      for await (const _ of lines) go.resolve();
      stopped.abort();
      go.resolve();
    })();
    const events = {
      ready(pids: readonly number[]) {
        tell({ event: "ready", pids });
        return go.promise;
      },
      measuring: () => tell({ event: "measuring" }),
      measured: () => tell({ event: "measured" }),
      second: (second: Second) => tell({ event: "second", second }),
    };
    tell({ event: "report", report: await runPlan(plan, way.dial, events, stopped.signal) });
    return EXIT_DONE;
  } catch (error) {
    tell({ event: "failed", reason: reasonOf(error) });
    return EXIT_FAILED;
  }
}

const encoder = new TextEncoder();

function writeAll(text: string): void {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** This very program: compiled, or its source under Deno. */
function workerArgs(): string[] {
  if (Deno.build.standalone) return [WORKER_COMMAND];
  const main = fileURLToPath(Deno.mainModule);
  return ["run", "--allow-all", "--quiet", main, WORKER_COMMAND];
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
