/**
 * The gateways that are set side by side, each in front of one stdio server.
 *
 * @module
 */
import type { Command } from "../../lib/core/connection.ts";
import {
  MCP_PROXY,
  quoted,
  startBridge,
  SUPERGATEWAY,
} from "../../tests/fixtures/real_clients_peers.ts";
import { startServe } from "../../tests/fixtures/sluice.ts";

/** How clients reach a gateway. */
export type Way = "http" | "sse";

/** A gateway while it runs. */
export interface Running extends AsyncDisposable {
  /** What the bench dials. */
  readonly url: string;
}

/** One of the gateways. */
export interface Gateway {
  readonly name: string;
  start(way: Way, server: Command): Promise<Running>;
}

/** Sluice, and what of the others is installed. */
export const GATEWAYS: readonly Gateway[] = [
  { name: "Sluice", start: startSluice },
  ...SUPERGATEWAY === undefined ? [] : [{ name: "supergateway 4.0.0", start: startSupergateway }],
  ...MCP_PROXY === undefined ? [] : [{ name: "mcp-proxy 6.7.19", start: startMcpProxy }],
];

async function startSluice(way: Way, server: Command): Promise<Running> {
  const serve = await startServe(server);
  return {
    url: way === "http" ? serve.url.href : `sse+${serve.url.origin}/mcp/sse`,
    [Symbol.asyncDispose]: () => serve[Symbol.asyncDispose](),
  };
}

function startSupergateway(way: Way, server: Command): Promise<Running> {
  const flags = way === "http" ? ["--outputTransport", "streamableHttp", "--stateful"] : [];
  const args = ["--stdio", quoted(server), ...flags, "--logLevel", "info", "--port"];
  return bridged(SUPERGATEWAY!, (port) => [...args, port], way);
}

function startMcpProxy(way: Way, server: Command): Promise<Running> {
  const command = [server.program, ...server.args];
  const flags = (port: string) => ["--host", "127.0.0.1", "--port", port, "--", ...command];
  return bridged(MCP_PROXY!, flags, way);
}

async function bridged(
  script: string,
  args: (port: string) => readonly string[],
  way: Way,
): Promise<Running> {
  const bridge = await startBridge(script, args);
  return {
    url: way === "http" ? `${bridge.url}mcp` : `sse+${bridge.url}sse`,
    [Symbol.asyncDispose]: () => bridge[Symbol.asyncDispose](),
  };
}
