/**
 * Whether a compiled program works at all: it starts, it reads a configuration, it carries a handshake and a
 * call to a real server and back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { echoServer } from "../tests/fixtures/servers.ts";
import { startStdioPeer } from "../tests/fixtures/stdio_peer.ts";

const RUN_TIMEOUT_MS = 30_000;

/**
 * Runs the program in the ways users do first.
 *
 * @returns one line per thing that worked
 * @throws {Error} when one did not
 */
export async function smokeTest(program: string, version: string): Promise<string[]> {
  const printed = (await output(program, ["--version"])).trim();
  assert.ok(printed.split(/\s+/).includes(version), `--version printed "${printed}"`);
  const done = [`--version: ${printed}`];
  for (const command of ["serve", "proxy", "check"]) {
    await output(program, [command, "--help"]);
    done.push(`${command} --help`);
  }
  await checkConfig(program);
  done.push("check: takes a good configuration, refuses a bad one with status 2");
  await callThroughProxy(program);
  done.push("proxy: initialize and a call through to an echo server");
  return done;
}

/** Milliseconds from exec to the end of `--version`, the median of five runs. */
export async function measureStart(program: string): Promise<number> {
  const timesMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedMs = performance.now();
    await output(program, ["--version"]);
    timesMs.push(performance.now() - startedMs);
  }
  return timesMs.sort((a, b) => a - b)[2];
}

async function checkConfig(program: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const { program: command, args } = echoServer();
    const good = `${folder}/good.json`;
    await Deno.writeTextFile(good, JSON.stringify({ mcpServers: { echo: { command, args } } }));
    await output(program, ["check", "--config", good]);
    const bad = `${folder}/bad.json`;
    await Deno.writeTextFile(bad, `{"mcpServers":{},"sluice":{"no-such-key":1}}`);
    const { code } = await execute(program, ["check", "--config", bad]);
    assert.equal(code, 2, "check of a bad configuration");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function callThroughProxy(program: string): Promise<void> {
  const server = echoServer();
  await using peer = startStdioPeer({
    program,
    args: ["proxy", "--", server.program, ...server.args],
  });
  const initialized = await peer.initialize();
  assert.equal(initialized.result?.serverInfo?.name, "echo", JSON.stringify(initialized));
  const answer = await peer.request("tools/call", { name: "echo", arguments: { a: 1 } });
  assert.equal(answer.result?.content?.[0]?.text, `{"a":1}`, JSON.stringify(answer));
  await peer.closeInput();
  const { code } = await peer.status;
  assert.equal(code, 0, "status of proxy after the end of its input");
}

async function output(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(program, args);
  const decoder = new TextDecoder();
  assert.equal(code, 0, `${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

function execute(program: string, args: string[]): Promise<Deno.CommandOutput> {
  return new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  }).output();
}
