/**
 * mcporter's command line as a client of Sluice.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { MCPORTER } from "../fixtures/real_clients_peers.ts";
import type { Door } from "../fixtures/ways.ts";

/** Names of the tools that `mcporter list` shows. */
export async function listWithMcporter(door: Door): Promise<string[]> {
  const { tools } = JSON.parse(await mcporter("list", door, ["--json"]));
  return tools.map(({ name }: { name: string }) => name);
}

/** What `mcporter call` prints for a tool. */
export async function callWithMcporter(door: Door, tool: string, args: unknown): Promise<string> {
  return await mcporter("call", door, [
    ...["--tool", tool, "--args", JSON.stringify(args), "--output", "json"],
  ]);
}

async function mcporter(command: string, door: Door, args: readonly string[]): Promise<string> {
  const home = await Deno.makeTempDir(); // it looks for other programs' servers, and keeps files
  const child = new Deno.Command("node", {
    args: [MCPORTER!, command, ...target(door), "--name", "sluice", ...args],
    cwd: home,
    env: { HOME: home },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    const { code, stdout, stderr } = await bounded(output, `mcporter ${command}`);
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, said + complained);
    return said;
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) child.kill("SIGKILL");
    await output;
    throw error;
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function target(door: Door): readonly string[] {
  if ("url" in door) return ["--http-url", door.url.href, "--allow-http"];
  const { program, args } = door.command;
  const environment = Object.entries(denoNeeds()).map(([name, value]) => `${name}=${value}`);
  return [
    ...["--stdio", program, ...args.flatMap((arg) => ["--stdio-arg", arg])],
    ...environment.flatMap((pair) => ["--env", pair]),
  ];
}

/** Sluice under another home still has to find Deno's packages. */
function denoNeeds(): Record<string, string> {
  const { HOME, DENO_DIR = `${HOME}/.cache/deno` } = Deno.env.toObject();
  return { HOME, DENO_DIR };
}
