/**
 * The order in which Claude Code 2.1 speaks: it probes for the sessionless era, goes on in it when it is
 * answered, and else makes the handshake after 2.9 s; `initialized` and `tools/list` come in one chunk.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Command } from "../../lib/core/connection.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { sluice } from "../fixtures/sluice.ts";
import { startStdioPeer, type StdioPeer } from "../fixtures/stdio_peer.ts";

const PROBE_ID = "server-discover-probe-1";
/** So long it waits for an answer to its probe, and so long the slow server needs, ms. */
const PATIENCE_MS = 2900, START_MS = 4000;

const CAPABILITIES = { roots: {}, elicitation: {} };
const INFO = { name: "claude-code", version: "2.1.0" };
const PREFIX = "io.modelcontextprotocol/";
const MODERN = {
  _meta: {
    [`${PREFIX}protocolVersion`]: "2026-07-28",
    [`${PREFIX}clientInfo`]: INFO,
    [`${PREFIX}clientCapabilities`]: CAPABILITIES,
  },
};

const SILENT: Command = {
  program: Deno.execPath(),
  args: ["run", "-A", "--quiet", "--no-config", fixture("silent_server.ts")],
};
const SERVERS: readonly (readonly [string, Command, number])[] = [
  ["server-everything", everythingServer(), 15],
  ["a server that is silent before the handshake", SILENT, 1],
];

Deno.test("Claude Code gets the tools when it heeds the answer to its probe", async () => {
  await visitAll("heeded", async (peer) => {
    const probe = await answerTo(peer, PROBE_ID);
    if (probe.error === undefined) await say(peer, request("list", "tools/list", MODERN));
    else await handshake(peer);
    return await answerTo(peer, "list");
  });
});

Deno.test("Claude Code gets the tools when it gives its probe up", async () => {
  await visitAll(`given up after ${PATIENCE_MS} ms`, async (peer) => {
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)); // its time, not a signal
    await handshake(peer);
    return await answerTo(peer, "list");
  });
});

Deno.test("Claude Code gets the tools when it is answered and makes the handshake all the same", async () => {
  const { answer, restMs } = await visit(everythingServer(), false, async (peer) => {
    assert.ok((await answerTo(peer, PROBE_ID)).result);
    await handshake(peer);
    return await answerTo(peer, "list");
  });
  assert.equal(answer.result?.tools.length, 15, JSON.stringify(answer.error));
  console.log(`tools after ${restMs} ms: the handshake after a probe that was answered`);
});

/** Visits every server at once, since most of the time is spent waiting. */
async function visitAll(probe: string, act: (peer: StdioPeer) => Promise<Answer>): Promise<void> {
  const visits = SERVERS.flatMap(([name, server, tools]) =>
    [false, true].map(async (isSlow) => {
      const { answer, restMs } = await visit(server, isSlow, act);
      assert.equal(answer.result?.tools.length, tools, `${name}: ${JSON.stringify(answer.error)}`);
      console.log(`probe ${probe}: ${restMs} ms to the tools of ${name}${isSlow ? ", slow" : ""}`);
    })
  );
  await Promise.all(visits);
}

/** Starts Sluice before a server, sends the probe, and acts. */
async function visit(
  server: Command,
  isSlow: boolean,
  act: (peer: StdioPeer) => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly restMs: number }> {
  await using start = isSlow ? await startLater(server) : undefined;
  const { program, args } = start?.command ?? server;
  await using peer = startStdioPeer(sluice("proxy", "--", program, ...args));
  const startMs = performance.now();
  await say(peer, request(PROBE_ID, "server/discover", MODERN));
  const answer = await bounded(act(peer), "the tools");
  return { answer, restMs: Math.round(performance.now() - startMs) };
}

/** The server starts when something is written into a pipe, {@link START_MS} from now. */
async function startLater({ program, args }: Command) {
  const folder = await Deno.makeTempDir();
  const pipe = `${folder}/start`;
  const { success } = await new Deno.Command("mkfifo", { args: [pipe] }).output();
  assert.ok(success, "mkfifo failed");
  const started = new Promise((resolve) => setTimeout(resolve, START_MS))
    .then(() => Deno.open(pipe, { read: true, write: true })) // so as not to wait for a reader
    .then(async (file) => {
      await file.write(new TextEncoder().encode("go\n"));
      return file;
    });
  const script = fixture("waiting_server.sh");
  return {
    command: { program: "sh", args: [script, pipe, program, ...args] },
    async [Symbol.asyncDispose]() {
      (await started).close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A JSON-RPC answer. */
// deno-lint-ignore no-explicit-any -- tests look into it freely
type Answer = { readonly id: unknown; readonly result?: any; readonly error?: unknown };

async function handshake(peer: StdioPeer): Promise<void> {
  const params = { protocolVersion: "2025-11-25", capabilities: CAPABILITIES, clientInfo: INFO };
  await say(peer, request("init", "initialize", params));
  const { result, error } = await answerTo(peer, "init");
  assert.equal(result?.protocolVersion, "2025-11-25", JSON.stringify(error));
  await say(
    peer,
    { jsonrpc: "2.0", method: "notifications/initialized" },
    request("list", "tools/list"),
  );
}

function request(id: string, method: string, params?: unknown) {
  return { jsonrpc: "2.0", id, method, params };
}

/** Writes messages in one chunk. */
async function say(peer: StdioPeer, ...messages: unknown[]): Promise<void> {
  await peer.sendLine(messages.map((message) => JSON.stringify(message)).join("\n"));
}

/** Skips everything else, questions of the server included, which its user has not answered yet. */
async function answerTo(peer: StdioPeer, id: string): Promise<Answer> {
  for (;;) {
    const message = JSON.parse(await peer.nextLine());
    if (message.id === id && message.method === undefined) return message;
  }
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}
