/**
 * The command line: what it accepts, and which command runs.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import type { ConfigFlags } from "../lib/config/flags.ts";
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import { UsageError } from "../lib/core/errors.ts";
import type { BenchFlags } from "./bench/settings.ts";
import { errorLine, EXIT_DONE, exitCodeOf } from "./errors.ts";
import type { InspectFlags } from "./inspect_shm.ts";
import { VERSION } from "./version.ts";

/** Where text goes. */
export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** A command: runs until it is done or told to stop, and gives the exit code. */
export type Run = (config: GatewayConfig) => Promise<number>;

/** Names the setting that a flag sets, for the help text. */
type Describe = (key: string) => string;

/** Flags of this program that belong to later versions. */
const LATER = ["workers"] as const;

/** Flags as commander hands them over. */
interface RawFlags {
  readonly config?: string;
  readonly listen?: string[];
  readonly upstream?: string[];
  readonly shared?: boolean;
  readonly era?: string;
  readonly upstreamEra?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly shm?: string;
  readonly workers?: string;
}

/**
 * Runs a command line and gives the exit code. Errors become one line on stderr; this function does
 * not throw.
 *
 * @param argv arguments after the program's name
 */
export async function run(argv: readonly string[], output: Output): Promise<number> {
  try {
    const { own, command } = splitCommand(argv);
    let exitCode = EXIT_DONE;
    const program = createProgram(output, await describerFor(own), command, (code) => {
      exitCode = code;
    });
    if (own.length === 0) throw noCommand();
    await program.parseAsync(own, { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT_DONE;
    const error = thrown instanceof CommanderError ? usageErrorOf(thrown) : thrown;
    output.stderr(`${errorLine(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Everything after the first `--` is the upstream's command, verbatim. */
function splitCommand(argv: readonly string[]): { own: string[]; command: string[] | undefined } {
  const at = argv.indexOf("--");
  if (at < 0) return { own: [...argv], command: undefined };
  const command = argv.slice(at + 1);
  if (command.length === 0 || command[0] === "") {
    throw new UsageError("Cannot run: there is no command after --", "name the program to start");
  }
  return { own: argv.slice(0, at), command };
}

/** Descriptions come from the schema, whose import costs 9 ms: only the help text pays. */
async function describerFor(argv: readonly string[]): Promise<Describe> {
  const wantsHelp = argv.some((word) => word === "--help" || word === "-h" || word === "help");
  if (!wantsHelp) return () => "";
  return (await import("../lib/config/describe.ts")).describeSetting;
}

function createProgram(
  output: Output,
  describe: Describe,
  command: readonly string[] | undefined,
  done: (exitCode: number) => void,
): Command {
  const program = new Command("sluice")
    .description("MCP gateway: fast, safe and unbreakable hops between MCP clients and servers")
    .version(`sluice ${VERSION}`, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .usage("COMMAND [OPTION]... [-- PROGRAM ARG...]")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.stdout(text),
      writeErr: () => {}, // told by errorLine() instead
    });
  addServe(program, describe, command, done);
  addProxy(program, describe, command, done);
  addCheck(program, describe, command, done, output);
  addBench(program, command, done, output);
  addInspectShm(program, done, output);
  program.addHelpText("after", HELP_END);
  return program;
}

const HELP_END = `
Everything after -- is the program of the upstream server and its arguments.
Every setting also has a variable, SLUICE_...: see docs/configuration.md.
Exit codes: 0 done, 1 failed at run time, 2 bad usage or configuration.`;

type Add = (
  program: Command,
  describe: Describe,
  command: readonly string[] | undefined,
  done: (exitCode: number) => void,
) => void;

const addServe: Add = (program, describe, command, done) => {
  const serve = program.command("serve")
    .description("serve an MCP server to the network")
    .usage("[OPTION]... [-- PROGRAM ARG...]");
  addConfigFlags(serve, describe);
  addListenerFlags(serve, describe);
  serve.option("--shm <path>", describe("shm.path"));
  serve.action(async (raw: RawFlags) => {
    const again = () => load({ ...flagsOf(raw), command });
    const config = await again();
    const { serve } = await import("./serve.ts");
    done(await serve(config, again));
  });
};

const addProxy: Add = (program, describe, command, done) => {
  const proxy = program.command("proxy")
    .description("speak MCP on stdin and stdout for one server")
    .argument("[url...]", "where the server answers; of several the first is the most wanted")
    .usage("[OPTION]... [URL]... [-- PROGRAM ARG...]");
  addConfigFlags(proxy, describe);
  proxy.action(async (urls: string[], raw: RawFlags) => {
    const flags = { ...flagsOf(raw), command, urls, listen: ["stdio:"], requireUpstream: true };
    const config = await load(flags);
    const { proxy } = await import("./proxy.ts");
    done(await proxy(config, () => load(flags)));
  });
};

function addCheck(
  program: Command,
  describe: Describe,
  command: readonly string[] | undefined,
  done: (exitCode: number) => void,
  output: Output,
): void {
  const check = program.command("check")
    .description("validate the configuration and print what would run")
    .usage("[OPTION]... [-- PROGRAM ARG...]");
  addConfigFlags(check, describe);
  addListenerFlags(check, describe);
  check.action(async (raw: RawFlags) => {
    const config = await load({ ...flagsOf(raw), command });
    const { check } = await import("./check.ts");
    done(await check(config, (text) => output.stdout(text)));
  });
}

function addBench(
  program: Command,
  command: readonly string[] | undefined,
  done: (exitCode: number) => void,
  output: Output,
): void {
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
      const { bench } = await import("./bench.ts");
      done(await bench(url, command, flags, output));
    });
  program.command("bench-worker", { hidden: true })
    .action(async () => {
      const { benchWorker } = await import("./bench.ts");
      done(await benchWorker());
    });
}

function addInspectShm(
  program: Command,
  done: (exitCode: number) => void,
  output: Output,
): void {
  program.command("inspect-shm")
    .description("show what a shared-memory export holds")
    .argument("[path]", "the export; /dev/shm/sluice_export.bin by default")
    .usage("[OPTION]... [PATH]")
    .option("--key <key>", "print one entry with its metadata: KEY or TYPE:KEY")
    .option("--verify", "check the whole file; exit code 1 and the offset when it is wrong")
    .option("--watch", "print again whenever it changes, until interrupted")
    .option("--json", "print JSON")
    .action(async (path: string | undefined, flags: InspectFlags) => {
      const { inspectShm } = await import("./inspect_shm.ts");
      done(await inspectShm(path, flags, output));
    });
}

function addConfigFlags(command: Command, describe: Describe): void {
  command
    .option("--config <file>", "configuration file: .json, .jsonc, .yaml, .yml or .toml")
    .option("--upstream <name=url>", describe("upstreams"), collect)
    .option("--shared", describe("upstreams.NAME.sharing"))
    .option("--era <era>", describe("protocol.era"))
    .option("--upstream-era <era>", describe("upstreams.NAME.era"))
    .option("--log-level <level>", describe("log.level"))
    .option("--log-format <format>", describe("log.format"));
  for (const name of LATER) command.addOption(new Option(`--${name} <value>`).hideHelp());
}

function addListenerFlags(command: Command, describe: Describe): void {
  command.option("--listen <url>", describe("listen"), collect);
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...before ?? [], value];
}

function flagsOf(raw: RawFlags): ConfigFlags {
  for (const name of LATER) {
    if (raw[name] === undefined) continue;
    throw new UsageError(`Cannot use --${name}: it comes with a later version`, "leave it out");
  }
  const { workers: _workers, ...flags } = raw;
  return flags;
}

async function load(flags: ConfigFlags): Promise<GatewayConfig> {
  const { loadConfig } = await import("../lib/config/load.ts");
  return await loadConfig(flags);
}

function noCommand(): UsageError {
  return new UsageError(
    "Cannot run: no command is given",
    "say serve, proxy or check; sluice --help tells more",
  );
}

/** `error: unknown option '--foo'\n(Did you mean --bar?)` in our form. */
function usageErrorOf(error: CommanderError): UsageError {
  if (error.code === "commander.help") return noCommand();
  const [line, hint] = error.message.replace(/^error: /, "").split("\n");
  const first = line.replace(/\.$/, "");
  if (error.code === "commander.excessArguments") {
    const why = first.replace(/^.* but got \d+: /, "unexpected argument ");
    return new UsageError(
      `Cannot read command line: ${why}`,
      "put the program of an upstream after --",
    );
  }
  const near = /^\(Did you mean (.*)\?\)$/.exec(hint ?? "")?.[1];
  return new UsageError(
    `Cannot read command line: ${first}`,
    near === undefined ? "sluice --help tells more" : `did you mean ${near}`,
  );
}
