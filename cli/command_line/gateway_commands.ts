/**
 * The commands that read a configuration: serve, proxy and check.
 *
 * @module
 */
import { type Command, Option } from "commander";
import type { ConfigFlags } from "../../lib/config/flags.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { WORKER_FLAG } from "../workers/orders.ts";
import type { AddCommand, Describe } from "./terms.ts";

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
  /** A supervisor has started this process. */
  readonly asWorker?: boolean;
}

/** Adds serve, proxy and check. */
export const addGatewayCommands: AddCommand = (program, terms) => {
  addServe(program, terms);
  addProxy(program, terms);
  addCheck(program, terms);
};

const addServe: AddCommand = (program, { describe, command, done }) => {
  const serve = program.command("serve")
    .description("serve an MCP server to the network")
    .usage("[OPTION]... [-- PROGRAM ARG...]");
  addConfigFlags(serve, describe);
  addListenerFlags(serve, describe);
  serve.option("--shm <path>", describe("shm.path"));
  serve.addOption(new Option(WORKER_FLAG).hideHelp());
  serve.action(async (raw: RawFlags) => {
    const again = () => load({ ...flagsOf(raw), command });
    done(raw.asWorker === true ? await asWorker(again) : await serveAlone(again));
  });
};

async function serveAlone(again: () => Promise<GatewayConfig>): Promise<number> {
  const config = await again();
  if (config.workers > 1) {
    const { supervise } = await import("../workers/supervise.ts");
    return await supervise(config, Deno.args);
  }
  const { serve } = await import("../serve.ts");
  return await serve(config, again);
}

async function asWorker(again: () => Promise<GatewayConfig>): Promise<number> {
  const { serveAsWorker } = await import("../workers/worker.ts");
  return await serveAsWorker(again);
}

const addProxy: AddCommand = (program, { describe, command, done }) => {
  const proxy = program.command("proxy")
    .description("speak MCP on stdin and stdout for one server")
    .argument("[url...]", "where the server answers; of several the first is the most wanted")
    .usage("[OPTION]... [URL]... [-- PROGRAM ARG...]");
  addConfigFlags(proxy, describe);
  proxy.option("--shm <path>", "export of the gateway behind it, to answer from");
  proxy.action(async (urls: string[], raw: RawFlags) => {
    const flags = { ...flagsOf(raw), command, urls, listen: ["stdio:"], requireUpstream: true };
    const config = await load(flags);
    const { proxy } = await import("../proxy.ts");
    done(await proxy(config, () => load(flags)));
  });
};

const addCheck: AddCommand = (program, { describe, command, done, output }) => {
  const check = program.command("check")
    .description("validate the configuration and print what would run")
    .usage("[OPTION]... [-- PROGRAM ARG...]");
  addConfigFlags(check, describe);
  addListenerFlags(check, describe);
  check.action(async (raw: RawFlags) => {
    const config = await load({ ...flagsOf(raw), command });
    const { check } = await import("../check.ts");
    done(await check(config, (text) => output.stdout(text)));
  });
};

function addConfigFlags(command: Command, describe: Describe): void {
  command
    .option("--config <file>", "configuration file: .json, .jsonc, .yaml, .yml or .toml")
    .option("--upstream <name=url>", describe("upstreams"), collect)
    .option("--shared", describe("upstreams.NAME.sharing"))
    .option("--era <era>", describe("protocol.era"))
    .option("--upstream-era <era>", describe("upstreams.NAME.era"))
    .option("--log-level <level>", describe("log.level"))
    .option("--log-format <format>", describe("log.format"));
}

function addListenerFlags(command: Command, describe: Describe): void {
  command.option("--listen <url>", describe("listen"), collect);
  command.option("--workers <n>", describe("workers"));
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...before ?? [], value];
}

function flagsOf(raw: RawFlags): ConfigFlags {
  const { asWorker: _asWorker, ...flags } = raw;
  return flags;
}

async function load(flags: ConfigFlags): Promise<GatewayConfig> {
  const { loadConfig } = await import("../../lib/config/load.ts");
  return await loadConfig(flags);
}
