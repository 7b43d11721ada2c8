/**
 * The command line as data: what completions and the manual page are made of.
 *
 * @module
 */
import type { Command, Option } from "commander";

/** One flag. */
export interface FlagOutline {
  /** `--config` */
  readonly long: string;
  /** `-h` */
  readonly short: string | undefined;
  /** Name of its value, `file`; `undefined` where it takes none. */
  readonly value: string | undefined;
  /** Values to choose from. */
  readonly choices: readonly string[];
  readonly description: string;
}

/** One command. */
export interface CommandOutline {
  readonly name: string;
  readonly description: string;
  /** What follows its name: `[OPTION]... [PATH]`. */
  readonly usage: string;
  readonly flags: readonly FlagOutline[];
  /** Values of its first operand to choose from. */
  readonly choices: readonly string[];
}

/** The whole program. */
export interface Outline {
  readonly description: string;
  /** Its own flags, those before a command. */
  readonly flags: readonly FlagOutline[];
  readonly commands: readonly CommandOutline[];
}

/**
 * Everything that the help text shows; what is hidden there is hidden here.
 *
 * @param choicesOf values to choose from of the setting that a flag sets
 */
export function outlineOf(
  program: Command,
  choicesOf: (flag: string) => readonly string[],
): Outline {
  const help = program.createHelp();
  const flagsOf = (command: Command) =>
    help.visibleOptions(command).map((option) => flagOf(option, choicesOf));
  return {
    description: program.description(),
    flags: flagsOf(program),
    commands: help.visibleCommands(program).filter((one) => one.name() !== "help").map((
      command,
    ) => ({
      name: command.name(),
      description: command.description(),
      usage: command.usage(),
      flags: flagsOf(command),
      choices: command.registeredArguments[0]?.argChoices ?? [],
    })),
  };
}

function flagOf(option: Option, choicesOf: (flag: string) => readonly string[]): FlagOutline {
  const long = option.long ?? option.short ?? option.flags;
  return {
    long,
    short: option.long === undefined ? undefined : option.short,
    value: /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1],
    choices: option.argChoices ?? choicesOf(long),
    description: option.description,
  };
}
