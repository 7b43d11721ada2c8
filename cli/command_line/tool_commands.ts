/**
 * The commands that look at something: bench and inspect-shm.
 *
 * @module
 */
import type { BenchFlags } from "../bench/settings.ts";
import type { InspectFlags } from "../inspect_shm.ts";
import type { AddCommand } from "./terms.ts";

/** Adds bench and inspect-shm. */
export const addToolCommands: AddCommand = (program, terms) => {
  addBench(program, terms);
  addInspectShm(program, terms);
};

const addBench: AddCommand = (program, { command, done, output }) => {
  program.command("bench")
    .description("make load on a server and tell how it does")
    .argument("[url]", "where the server answers")
    .usage("[OPTION]... (URL | -- PROGRAM ARG...)")
    .option("--scenario <name>", "what is done, echo by default; docs/tuning.md tells of all")
    .option("--duration <s>", "measured time, 10 by default")
    .option("--warm-up <s>", "time before that, which does not count")
    .option("--connections <n>", "connections at once, 10 by default")
    .option("--inflight <n>", "calls under way on each connection, 1 by default")
    .option("--rate <n>", "calls per second of all together, whatever the answers do (open loop)")
    .option("--tool <name>", "the tool that is called, echo by default")
    .option("--args <json>", "its arguments; {nonce} in them tells answers apart")
    .option("--era <era>", "legacy (default), modern, or auto: ask the server")
    .option("--timeout <s>", "a call without an answer for so long is lost, 30 by default")
    .option("--workers <n>", "processes that make the load, 1 by default")
    .option("--repeat <n>", "measurements; 3 by default with --direct or --compare, else 1")
    .option("--direct <url>", "measure this in turn with the server: what is added on the way?")
    .option("--json <file>", "write the result")
    .option("--html <file>", "write a page with pictures")
    .option("--compare <file>", "an earlier --json; exit code 1 when this result is worse")
    .option("--threshold <share>", "what counts as worse, 0.10 by default")
    .action(async (url: string | undefined, flags: BenchFlags) => {
      const { bench } = await import("../bench.ts");
      done(await bench(url, command, flags, output));
    });
  program.command("bench-worker", { hidden: true })
    .action(async () => {
      const { benchWorker } = await import("../bench.ts");
      done(await benchWorker());
    });
};

const addInspectShm: AddCommand = (program, { done, output }) => {
  program.command("inspect-shm")
    .description("show what a shared-memory export holds")
    .argument("[path]", "the export; /dev/shm/sluice_export.bin by default")
    .usage("[OPTION]... [PATH]")
    .option("--key <key>", "print one entry with its metadata: KEY or TYPE:KEY")
    .option("--verify", "check the whole file; exit code 1 and the offset when it is wrong")
    .option("--watch", "print again whenever it changes, until interrupted")
    .option("--json", "print JSON")
    .action(async (path: string | undefined, flags: InspectFlags) => {
      const { inspectShm } = await import("../inspect_shm.ts");
      done(await inspectShm(path, flags, output));
    });
};
