/**
 * The reference server without a gateway, over HTTP.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "../../tests/fixtures/gateway_process.ts";
import { accepts, freePort } from "../../tests/fixtures/real_clients_peers.ts";
import { everythingServerOnNode } from "../../tests/fixtures/servers.ts";
import type { Running, Way } from "./gateways.ts";

/** Starts it on a free port. */
export async function startEverything(way: Way): Promise<Running> {
  const { program, args } = everythingServerOnNode(way === "http" ? "streamableHttp" : "sse")!;
  const port = await freePort();
  const env = { ...Deno.env.toObject(), PORT: `${port}` };
  const child = spawn(program, args, { env, stdio: "ignore" });
  const exited = once(child, "exit");
  await until(() => accepts(port), "server-everything to listen");
  return {
    url: way === "http" ? `http://127.0.0.1:${port}/mcp` : `sse+http://127.0.0.1:${port}/sse`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
