/**
 * JSON-RPC edge cases over Streamable HTTP, by an outside script: `SLUICE_TEST_RPC_CASES` names it. It takes the URL
 * of a gateway with a fault-capable `echo` behind it, and prints one line per failed case.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { faultyServer } from "../fixtures/servers.ts";

const SCRIPT = Deno.env.get("SLUICE_TEST_RPC_CASES");
/** The script wants `paramſ` taken; we refuse keys that fold to one of the envelope's (docs/protocol.md, Bytes). */
const DECIDED = /^FAIL method folded k +HTTP 400 code -32600 /;
const START_MS = 30_000;
const SCRIPT_MS = 240_000;

Deno.test({
  name: "sluice serve passes the outside JSON-RPC edge cases",
  ignore: SCRIPT === undefined,
  fn: async () => {
    const server = faultyServer();
    const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
    const args = ["serve", "--listen", "http://127.0.0.1:0", "--", server.program, ...server.args];
    const gateway = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = watch([gateway.stdout, gateway.stderr]);
    try {
      const cases = new Deno.Command("python3", {
        args: [SCRIPT!, await output.endpoint],
        stdin: "null",
        signal: AbortSignal.timeout(SCRIPT_MS),
      });
      const { stdout } = await cases.output();
      const text = new TextDecoder().decode(stdout);
      const failed = text.split("\n").filter((line) => line.startsWith("FAIL"));
      assert.match(text, /rpc_cases \d+ pass/);
      assert.deepEqual(failed.filter((line) => !DECIDED.test(line)), []);
    } finally {
      end(gateway);
      await Promise.all([gateway.status, output.ended]);
    }
  },
});

/** Reads all that a gateway prints, and finds its MCP endpoint in it. */
function watch(streams: readonly ReadableStream<Uint8Array>[]) {
  const { promise: endpoint, resolve, reject } = Promise.withResolvers<string>();
  let seen = "";
  const fail = (why: string) => reject(new Error(`Cannot find the endpoint: ${why}; saw: ${seen}`));
  const timer = setTimeout(() => fail("too late"), START_MS);
  const readings = streams.map((stream) =>
    stream.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write(chunk) {
          seen += chunk;
          const match = /http:\/\/127\.0\.0\.1:[1-9]\d*\/mcp\b/.exec(seen);
          if (match !== null) resolve(match[0]);
        },
      }),
    )
  );
  const ended = Promise.all(readings).then(() => {
    clearTimeout(timer);
    fail("the gateway ended");
  });
  return { endpoint, ended };
}

function end(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGTERM");
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown; // thrown when it has already ended
  }
}
