/**
 * The command line: what it accepts, and which command runs.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { UsageError } from "../lib/core/errors.ts";
import { addAdminCommand } from "./command_line/admin_command.ts";
import { addGatewayCommands } from "./command_line/gateway_commands.ts";
import { addHelpCommands, DESCRIBING } from "./command_line/help_commands.ts";
import type { Describe, Output, Terms } from "./command_line/terms.ts";
import { addToolCommands } from "./command_line/tool_commands.ts";
import { errorLine, EXIT_DONE, exitCodeOf } from "./errors.ts";
import { VERSION } from "./version.ts";

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
    const program = createProgram({
      output,
      describe: await describerFor(own),
      command,
      done: (code) => exitCode = code,
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
  if (!wantsHelp && !DESCRIBING.has(argv[0])) return () => "";
  return (await import("../lib/config/describe.ts")).describeSetting;
}

function createProgram(terms: Terms): Command {
  const program = new Command("sluice")
    .description("MCP gateway: fast, safe and unbreakable hops between MCP clients and servers")
    .version(`sluice ${VERSION}`, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .usage("COMMAND [OPTION]... [-- PROGRAM ARG...]")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terms.output.stdout(text),
      writeErr: () => {}, // told by errorLine() instead
    });
  addGatewayCommands(program, terms);
  addToolCommands(program, terms);
  addAdminCommand(program, terms);
  addHelpCommands(program, terms);
  program.addHelpText("after", HELP_END);
  return program;
}

const HELP_END = `
Everything after -- is the program of the upstream server and its arguments.
Every setting also has a variable, SLUICE_...: see docs/configuration.md.
Exit codes: 0 done, 1 failed at run time, 2 bad usage or configuration.`;

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
