/**
 * What a user is told when a run fails, and the exit code.
 *
 * @module
 */
import { reasonOf, SluiceError, TransportError, UsageError } from "../lib/core/errors.ts";

/** Done as asked. */
export const EXIT_DONE = 0;
/** Failed at run time. */
export const EXIT_FAILED = 1;
/** Bad usage or configuration. */
export const EXIT_USAGE = 2;

/** What can be done about a connection that failed, by what the system said. */
const TRANSPORT_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/address.*in use|EADDRINUSE/i, "stop what listens there, or choose another port"],
  [/not available|EADDRNOTAVAIL/i, "listen on an address of this machine"],
  [/permission|denied|EACCES|EPERM/i, "choose a port above 1023, or correct the permissions"],
  [/refused|ECONNREFUSED/i, "start the server, or correct its URL"],
  [/resolve|lookup|ENOTFOUND|EAI_AGAIN/i, "correct the host name"],
  [/no such file|not found|ENOENT/i, "correct the path of the program, or install it"],
  [/timed? ?out|deadline|ETIMEDOUT/i, "see whether the other side runs and answers"],
];

/** One line for stderr, without the line end: `sluice: <what>: <why>; <what to do>`. */
export function errorLine(error: unknown): string {
  return oneLine(`sluice: ${reasonOf(error)}; ${adviceFor(error)}`);
}

/** The exit code for an error: 2 for usage and configuration, 1 for everything else. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

/** Line ends and control characters of foreign text neither break the line nor reach the terminal. */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what must not reach a terminal
  return text.replace(/\s+/g, " ").replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "?");
}

function adviceFor(error: unknown): string {
  if (error instanceof UsageError) return error.advice;
  const known = TRANSPORT_ADVICE.find(([pattern]) => pattern.test(reasonOf(error)));
  if (known !== undefined && (error instanceof SluiceError || isSystemError(error))) {
    return known[1];
  }
  if (error instanceof TransportError) return "see whether the other side runs and answers";
  if (error instanceof SluiceError) return "--log-level debug tells more";
  return isSystemError(error)
    ? "see what the system says and try again"
    : "this is a fault of sluice: please report it";
}

/** Errors of the operating system, as Deno and as its Node modules throw them. */
function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return "syscall" in error || Object.values(Deno.errors).some((kind) => error instanceof kind);
}
