/**
 * What every command is added with.
 *
 * @module
 */
import type { Command } from "commander";

/** Where text goes. */
export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Names the setting that a flag sets, for the help text. */
export type Describe = (key: string) => string;

/** What a command needs to know of the command line it stands on. */
export interface Terms {
  readonly output: Output;
  readonly describe: Describe;
  /** Everything after `--`: the upstream's program and its arguments. */
  readonly command: readonly string[] | undefined;
  /** Takes the exit code. */
  done(exitCode: number): void;
}

/** Adds a command to the program. */
export type AddCommand = (program: Command, terms: Terms) => void;
