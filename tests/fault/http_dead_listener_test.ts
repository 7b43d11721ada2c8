import assert from "node:assert/strict";
import net from "node:net";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../fixtures/http_emfile_server.ts", import.meta.url));
const BOUND_MS = 60_000;

/** Lines of a child, one at a time. */
async function* linesOf(stdout: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

function open(port: number): Promise<net.Socket> {
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.on("connect", () => resolve(socket)).on("error", () => resolve(socket));
  return promise;
}

async function status(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    signal: AbortSignal.timeout(BOUND_MS),
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test({
  name: "a listener that ran out of descriptors answers again once there are some",
  ignore: Deno.build.os === "windows",
  async fn() {
    const deno = Deno.execPath();
    const child = new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 60 && exec "$0" run -A "$1"', deno, SERVER],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const overdue = setTimeout(() => child.kill("SIGKILL"), BOUND_MS); // ends the lines: the test fails
    const lines = linesOf(child.stdout);
    const port = Number((await lines.next()).value!.slice("port ".length));
    const held = await Promise.all(Array.from({ length: 100 }, () => open(port)));
    try {
      for (const socket of held) socket.destroy();
      let answered: number | undefined;
      while (answered === undefined) { // what waits in the old backlog is reset when the port is bound anew
        assert.equal((await lines.next()).value, "relisten");
        answered = await status(port).catch(() => undefined);
      }
      assert.equal(answered, 404);
    } finally {
      clearTimeout(overdue);
      await child.stdin.close();
      await lines.return(undefined);
      assert.equal((await child.status).code, 0);
    }
  },
});
