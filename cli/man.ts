/**
 * `sluice man`: the manual page, in the language of man(7). Made of the command line itself.
 *
 * @module
 */
import type { CommandOutline, FlagOutline, Outline } from "./command_line/outline.ts";
import { VERSION } from "./version.ts";

/** The page. */
export function manualPage({ description, flags, commands }: Outline): string {
  return [
    `.TH SLUICE 1 "" "sluice ${VERSION}" "User Commands"`,
    ".SH NAME",
    `sluice \\- ${text(description)}`,
    ".SH SYNOPSIS",
    ...commands.flatMap(({ name, usage }) => [
      ".PP",
      `.B sluice ${text(name)}`,
      text(usage.replaceAll("[options]", "[OPTION]...")),
    ]),
    ...section("DESCRIPTION", ABOUT),
    ".SH OPTIONS",
    ...flags.flatMap(flagLines),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ...section("ENVIRONMENT", ENVIRONMENT),
    ...section("FILES", FILES),
    ...section("SIGNALS", SIGNALS),
    ...section("EXIT STATUS", EXIT_STATUS),
    ...section("EXAMPLES", EXAMPLES),
    "",
  ].join("\n");
}

const ABOUT = [
  "Sluice stands between clients and servers of the Model Context Protocol. An agent host starts " +
  "`sluice proxy` and speaks MCP on its standard input and output; an operator runs `sluice serve` " +
  "and reaches programs and remote servers over HTTP, WebSocket, TCP and unix sockets.",
  "Everything after -- is the program of a server and its arguments. Listeners and servers are " +
  "named by URLs: http, https, ws, wss, sse+http, sse+https, tcp, tls, unix, stdio, builtin.",
];
const ENVIRONMENT = [
  "Every setting of the configuration file has a variable, SLUICE_ and its path in capitals: " +
  "limits.messageBytes is SLUICE_LIMITS_MESSAGE_BYTES. A flag wins over a variable, a variable " +
  "over the file.",
];
const FILES = [
  "The configuration is JSON with comments, YAML or TOML: the mcpServers of other programs, and " +
  "settings of Sluice under the key sluice. It is watched, and applied while the gateway runs.",
];
const SIGNALS = [
  "The first SIGINT or SIGTERM drains: nothing new is accepted, running calls have limits.drainMs " +
  "(30 s). The second one ends at once. SIGHUP reads the configuration file again.",
];
const EXIT_STATUS = [
  "0: done. 1: failed at run time. 2: bad usage or configuration. An error is one line on stderr.",
];
const EXAMPLES = [
  "sluice serve --listen http://127.0.0.1:3000 -- node server.js",
  "sluice proxy http://127.0.0.1:3000/mcp",
  "sluice check --config .mcp.json",
];

function section(title: string, paragraphs: readonly string[]): string[] {
  return [`.SH ${title}`, ...paragraphs.flatMap((one) => [".PP", text(one)])];
}

function commandLines({ name, description, flags }: CommandOutline): string[] {
  const own = flags.filter(({ long }) => long !== "--help"); // told once, for all
  return [`.SS ${text(name)}`, text(description), ...own.flatMap(flagLines)];
}

function flagLines({ long, short, value, description }: FlagOutline): string[] {
  const names = [short, long].filter((one) => one !== undefined).map((one) =>
    `\\fB${text(one)}\\fR`
  );
  const operand = value === undefined ? "" : ` \\fI${text(value)}\\fR`;
  return [".TP", names.join(", ") + operand, text(description)];
}

/** Text that the formatter takes for nothing else: no requests, no escapes, hyphens that can be copied. */
function text(plain: string): string {
  const escaped = plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("`", "");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
