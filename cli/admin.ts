/**
 * `sluice admin`: questions to a running gateway.
 *
 * @module
 */
import { SluiceError, UsageError } from "../lib/core/errors.ts";
import { ADMIN_COMMANDS, type AdminCommand } from "./admin/commands.ts";
import { askGateway, type GatewayAddress } from "./admin/ask.ts";
import type { Output } from "./command_line/terms.ts";
import { EXIT_DONE } from "./errors.ts";

/** What the command line says. */
export interface AdminFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly json?: boolean;
  readonly idle?: string;
  readonly hours?: string;
  readonly sort?: string;
  readonly limit?: string;
  readonly seconds?: string;
  readonly output?: string;
}

const DEFAULT_URL = "http://127.0.0.1:8080";
const TOKEN_VARIABLE = "SLUICE_ADMIN_TOKEN";

/**
 * Asks, and prints the answer.
 *
 * @throws {UsageError} such a command does not exist
 * @throws {SluiceError} the gateway cannot be reached, or refuses
 */
export async function admin(
  name: string,
  words: readonly string[],
  flags: AdminFlags,
  output: Output,
): Promise<number> {
  const command = Object.hasOwn(ADMIN_COMMANDS, name) ? ADMIN_COMMANDS[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(ADMIN_COMMANDS).join(", ");
    throw new UsageError(
      `Cannot run admin ${name}: there is no such command`,
      `say one of ${known}`,
    );
  }
  checkWords(name, command, words);
  const question = command.question(words, flags);
  const answer = await askGateway(await addressOf(flags), question);
  if (flags.json === true) output.stdout(`${JSON.stringify(answer, null, 2)}\n`);
  else output.stdout(command.text(answer));
  await command.after?.(answer, flags);
  return EXIT_DONE;
}

function checkWords(
  name: string,
  { words: [low, high], usage }: AdminCommand,
  given: readonly string[],
) {
  if (given.length === low || given.length === high) return;
  throw new UsageError(`Cannot run admin ${name}: it takes other arguments`, `say admin ${usage}`);
}

async function addressOf(
  { url = DEFAULT_URL, tokenFile, ca }: AdminFlags,
): Promise<GatewayAddress> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError("Cannot read --url: it is no address", "say http://HOST:PORT");
  }
  const caCertificates = ca === undefined ? undefined : await textOf(ca, "certificates");
  return { origin: new URL(url).origin, token: await tokenOf(tokenFile), caCertificates };
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return Deno.env.get(TOKEN_VARIABLE)?.trim() || undefined;
  const text = await textOf(file, "token");
  const token = text.trim();
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw new SluiceError(`Cannot read token: ${file} holds none`);
  }
  return token;
}

async function textOf(file: string, what: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch {
    throw new SluiceError(`Cannot read ${what}: ${file} is not to be read`);
  }
}
