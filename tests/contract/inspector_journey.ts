/**
 * The command line of the MCP project's inspector as a client of Sluice, before the reference server under
 * Node.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import { referenceServer } from "../fixtures/reference/process.ts";
import { everythingServerOnNode, NPM_FOLDER } from "../fixtures/servers.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { type Door, PROXY_COMMAND, type Way, WAYS } from "../fixtures/ways.ts";

const LAUNCHER = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";

/** What to ask for, and what has to be in the answer. */
type Request = readonly [string, readonly string[], RegExp];

const EVERYTHING: readonly Request[] = [
  [
    "tools/call",
    ["--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hi"],
    /"text": "Echo: hi"/,
  ],
  ["tools/list", ["--method", "tools/list"], /"name": "get-sum"/],
  [
    "resources/read",
    ["--method", "resources/read", "--uri", "demo://resource/dynamic/text/1"],
    /Resource 1: This is a plaintext resource/,
  ],
  [
    "prompts/get",
    ["--method", "prompts/get", "--prompt-name", "args-prompt", "--prompt-args", "city=Bern"],
    /What's weather in Bern/,
  ],
];

const REFERENCE: readonly Request[] = [
  [
    "tools/call",
    ["--method", "tools/call", "--tool-name", "test_simple_text"],
    /This is a simple text response/,
  ],
  ["tools/list", ["--method", "tools/list"], /"name": "test_simple_text"/],
];

/** How it finds out which era to speak; `legacy` is its default. */
const ERAS = ["legacy", "auto", "modern"] as const;

/** Registers tests for each way through Sluice; they are ignored without the npm folder of `.ci/run`. */
export function registerInspectorTests(ignore = false): void {
  const server = everythingServerOnNode();
  const isIgnored = ignore || server === undefined;
  for (const way of WAYS) {
    for (const era of ERAS) {
      // Here each run waits 2 s for a server that ignores the end of its input: one will do.
      const requests = way === PROXY_COMMAND ? EVERYTHING.slice(0, 1) : EVERYTHING;
      Deno.test({
        name: `the inspector's command line is answered, era ${era}: ${way.name}`,
        ignore: isIgnored,
        fn: (t) =>
          inspectAll(way, server!, era, era === "legacy" ? requests : requests.slice(0, 2), t),
      });
    }
    for (const era of ["legacy", "modern"] as const) {
      Deno.test({
        name: `and by a server that knows no handshake, era ${era}: ${way.name}`,
        ignore: isIgnored,
        fn: (t) => inspectAll(way, referenceServer("modern"), era, REFERENCE, t),
      });
    }
  }
}

async function inspectAll(
  way: Way,
  server: Command,
  era: typeof ERAS[number],
  requests: readonly Request[],
  t: Deno.TestContext,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using opened = await way.open(server);
    for (const [name, request, expected] of requests) {
      await t.step(name, async () => {
        const args = ["--protocol-era", era, ...request];
        assert.match(await inspect(opened.door, args, folder), expected);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the inspector once; gives what it prints. @throws {Error} with its stderr when it fails */
async function inspect(door: Door, request: readonly string[], folder: string): Promise<string> {
  const child = new Deno.Command("node", {
    args: [`${NPM_FOLDER}/${LAUNCHER}`, "--cli", ...target(door, folder), ...request],
    env: { HOME: folder }, // it keeps files there
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    const { code, stdout, stderr } = await bounded(output, "the inspector");
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `the inspector failed: ${err}`);
    return out;
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) child.kill("SIGKILL");
    await output;
    throw error;
  }
}

/** Where the inspector finds Sluice: a URL, or an entry of the file that agent hosts have, too. */
function target(door: Door, folder: string): readonly string[] {
  if ("url" in door) return [door.url.href, "--transport", "http"];
  const { program: command, args } = door.command;
  const env = Deno.env.toObject(); // it passes on little of its own
  const file = `${folder}/mcp.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ mcpServers: { sluice: { command, args, env } } }));
  return ["--config", file, "--server", "sluice"];
}
