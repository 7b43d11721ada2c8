/**
 * The commands that help with the program itself: capacity, completions and man.
 *
 * @module
 */
import { Argument, type Command, Option } from "commander";
import type { CapacityFlags } from "../capacity.ts";
import { EXIT_DONE } from "../errors.ts";
import type { Outline } from "./outline.ts";
import type { AddCommand } from "./terms.ts";

/** Shells with completions, as `cli/completions.ts` has them: it is loaded only when it is asked. */
const SHELLS = ["bash", "zsh", "fish"] as const;

/** Commands whose output describes all others: they need the descriptions of every flag. */
export const DESCRIBING: ReadonlySet<string> = new Set(["completions", "man"]);

/** Adds capacity, completions and man. */
export const addHelpCommands: AddCommand = (program, terms) => {
  addCapacity(program, terms);
  addCompletions(program, terms);
  addMan(program, terms);
};

const addCapacity: AddCommand = (program, { done, output }) => {
  program.command("capacity")
    .description("calculate what a load needs: cores, memory, bandwidth, descriptors, processes")
    .option("--clients <n>", "clients connected at once, 1000 by default")
    .option("--calls <n>", "calls per second of one client, 1 by default")
    .option("--message-bytes <n>", "average size of a message, 1024 by default")
    .option("--call-ms <n>", "average time in which a server answers, 50 by default")
    .addOption(
      new Option("--transport <name>", "how clients come, http by default")
        .choices(["tcp", "ws", "http", "sse"]),
    )
    .addOption(
      new Option("--servers <kind>", "what is behind, shared by default")
        .choices(["builtin", "url", "shared", "pool", "session"]),
    )
    .option("--server-mib <n>", "memory of one process of a server, 60 by default (MiB)")
    .option(
      "--memory-mib <n>",
      "memory of one machine for gateway and servers, 4096 by default (MiB)",
    )
    .option("--cores <n>", "cores of one machine for them, 2 by default")
    .option("--json", "print JSON")
    .action(async (flags: CapacityFlags) => {
      const { capacity } = await import("../capacity.ts");
      output.stdout(capacity(flags));
      done(EXIT_DONE);
    });
};

const addCompletions: AddCommand = (program, { done, output }) => {
  program.command("completions")
    .description("print what a shell needs to complete the command line")
    .addArgument(new Argument("<shell>", "whose").choices(SHELLS))
    .usage("bash|zsh|fish")
    .action(async (shell: typeof SHELLS[number]) => {
      const { completions } = await import("../completions.ts");
      output.stdout(completions(await outline(program), shell));
      done(EXIT_DONE);
    });
};

const addMan: AddCommand = (program, { done, output }) => {
  program.command("man")
    .description("print the manual page: sluice man | man -l -")
    .action(async () => {
      const { manualPage } = await import("../man.ts");
      output.stdout(manualPage(await outline(program)));
      done(EXIT_DONE);
    });
};

/** The whole command line, with the values that the schema of the settings knows. */
async function outline(program: Command): Promise<Outline> {
  const { outlineOf } = await import("./outline.ts");
  const { listSettings } = await import("../../lib/config/describe.ts");
  const settings = listSettings();
  return outlineOf(program, (long) => {
    const setting = settings.find(({ flag }) => flag?.split(" ", 1)[0] === long);
    return setting?.choices ?? [];
  });
}
