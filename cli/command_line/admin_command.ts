/**
 * The command that asks a running gateway: admin.
 *
 * @module
 */
import type { AdminFlags } from "../admin.ts";
import type { AddCommand } from "./terms.ts";

const COMMANDS = `
Commands:
  stats                       how the gateway does
  connections                 who is connected, and how much they call
  patterns                    ages of sessions, and clients that reconnect or hoard
  trace CLIENT                the latest calls of a client; tracing lasts 10 minutes
  errors                      the latest errors of clients
  breakers                    circuit breakers
  pools                       pools
  cleanup                     end sessions that are idle
  log-level [COMPONENT LEVEL] show levels of the log, or change one; * is everything
  features [NAME SHARE]       show optimisations, or turn one on, off, or to 0-100 percent
  leaks                       whether memory, connections or sessions keep growing
  profile cpu|heap            write a CPU profile and flame graph, or a heap snapshot

CLIENT is the hash that connections shows, a client id, a principal or an address.`;

/** Adds admin. */
export const addAdminCommand: AddCommand = (program, { done, output }) => {
  program.command("admin")
    .description("ask a running gateway, and change what can be changed")
    .argument("<command>", "what to ask or do; see below")
    .argument("[argument...]", "what the command needs")
    .usage("COMMAND [ARGUMENT...] [OPTION]...")
    .option("--url <url>", "the gateway, http://127.0.0.1:8080 by default")
    .option(
      "--token-file <file>",
      "holds the token of an operator; or the variable SLUICE_ADMIN_TOKEN",
    )
    .option("--ca <file>", "certificates of authorities that are believed besides the system's")
    .option("--json", "print JSON as the gateway gives it")
    .option("--idle <s>", "of cleanup: how long sessions must have been idle")
    .option("--hours <n>", "of patterns: from which age on sessions are old, 24 by default")
    .option("--sort <by>", "of connections: recent (default), calls, errors, age or idle")
    .option("--limit <n>", "of connections: how many are listed, 100 by default")
    .option("--seconds <n>", "of profile cpu: how long, 10 by default, 60 at most")
    .option("--output <file>", "of profile cpu: write the flame graph here, too")
    .addHelpText("after", COMMANDS)
    .action(async (command: string, words: string[], flags: AdminFlags) => {
      const { admin } = await import("../admin.ts");
      done(await admin(command, words, flags, output));
    });
};
