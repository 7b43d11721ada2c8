/**
 * `sluice serve`: a server in front of a network.
 *
 * @module
 */
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import { assemble } from "./assemble.ts";
import { EXIT_DONE } from "./errors.ts";
import { type LoadConfig, startReloading } from "./reload.ts";
import { runUntilStopped } from "./process/stop.ts";
import { VERSION } from "./version.ts";

/**
 * Serves until it is told to stop; prints where.
 *
 * @param load reads the configuration anew
 */
export async function serve(config: GatewayConfig, load: LoadConfig): Promise<number> {
  await using assembly = await assemble(config, { inheritsSockets: true });
  printBanner(bannerOf(config, assembly.urls, assembly.adminUrl), assembly.urls);
  await using _reloading = startReloading(assembly, load);
  await runUntilStopped(assembly);
  return EXIT_DONE;
}

/**
 * What is served where, in lines.
 *
 * @param adminUrl where operators are answered, if that is an address of its own; as configured when absent
 */
export function bannerOf(
  { upstreams: [upstream], admin }: GatewayConfig,
  urls: readonly URL[],
  adminUrl?: URL,
): string[] {
  const own = adminUrl?.origin ?? (admin.listen === "" ? undefined : new URL(admin.listen).origin);
  return [
    `sluice ${VERSION}: serving ${upstream.name}`,
    ...urls.flatMap((url) => linesFor(url, own === undefined)),
    ...own === undefined ? [] : operatorLines(own),
  ];
}

function linesFor(url: URL, isForOperators: boolean): string[] {
  if (url.protocol === "stdio:") return ["  MCP      stdin and stdout"];
  if (!url.protocol.startsWith("http")) return [`  MCP      ${bannerUrl(url)}`];
  if (url.pathname !== "/mcp") return [`  SSE      ${url.href}`]; // HTTP+SSE of 2024-11-05
  return [
    `  MCP      ${url.href}`,
    ...isForOperators ? operatorLines(url.origin) : [],
    `  health   ${url.origin}/health`,
  ];
}

function operatorLines(origin: string): string[] {
  return [`  metrics  ${origin}/metrics`, `  look at  ${origin}/metrics/dashboard`];
}

/** Where to connect: files of certificates are nothing that a client needs. */
function bannerUrl(url: URL): string {
  const shown = new URL(url);
  for (const name of ["cert", "key", "clientCa"]) shown.searchParams.delete(name);
  return shown.href;
}

/** Prints it; standard output belongs to the protocol when MCP is spoken there. */
export function printBanner(lines: readonly string[], urls: readonly URL[]): void {
  const output = urls.some((url) => url.protocol === "stdio:") ? Deno.stderr : Deno.stdout;
  output.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}
