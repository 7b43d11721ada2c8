import assert from "node:assert/strict";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { request } from "../../lib/core/compose.ts";
import type { Transport } from "../../lib/core/connection.ts";
import { tcp, tls, unix } from "../../transports/socket/transport.ts";
import { TestAuthority } from "../fixtures/certificates.ts";

const SERVER = fileURLToPath(new URL("../fixtures/socket_emfile_server.ts", import.meta.url));
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

function open(address: net.NetConnectOpts): Promise<net.Socket> {
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const socket = net.connect(address);
  socket.on("connect", () => resolve(socket)).on("error", () => resolve(socket));
  return promise;
}

/** Sends a message over a new connection and gives back its echo. */
async function echo(transport: Transport, url: URL): Promise<string> {
  await using connection = await transport.dial({ url }, AbortSignal.timeout(BOUND_MS));
  await connection.writable.getWriter().write([request("alive", "ping")]);
  const { value } = await connection.readable.getReader().read();
  return new TextDecoder().decode(value![0].id);
}

async function checkRecovery(
  transport: Transport,
  listenUrl: string,
  dialUrl: (bound: string) => string = (bound) => bound,
): Promise<void> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 60 && exec "$0" run -A "$1" "$2"', Deno.execPath(), SERVER, listenUrl],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const overdue = setTimeout(() => child.kill("SIGKILL"), BOUND_MS); // ends the lines: the test fails
  const lines = linesOf(child.stdout);
  const url = new URL(dialUrl((await lines.next()).value!));
  const address = url.protocol === "unix:"
    ? { path: url.pathname }
    : { host: url.hostname, port: Number(url.port) };
  const held = await Promise.all(Array.from({ length: 100 }, () => open(address)));
  try {
    for (const socket of held) socket.destroy();
    let echoed: string | undefined;
    while (echoed === undefined) { // what waits in the old backlog is reset when the address is bound anew
      assert.equal((await lines.next()).value, "relisten");
      echoed = await echo(transport, url).catch(() => undefined);
    }
    assert.equal(echoed, '"alive"');
  } finally {
    clearTimeout(overdue);
    await child.stdin.close();
    await lines.return(undefined);
    assert.equal((await child.status).code, 0);
  }
}

const ignore = Deno.build.os === "windows";
const RECOVERS = "listener that ran out of descriptors accepts again once there are some";

Deno.test({
  name: `a tcp ${RECOVERS}`,
  ignore,
  fn: () => checkRecovery(tcp(), "tcp://127.0.0.1:0"),
});

Deno.test({
  name: `a unix ${RECOVERS}`,
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await checkRecovery(unix(), `unix://${folder}/mcp.sock`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `a tls ${RECOVERS}`,
  ignore,
  async fn() {
    await using authority = await TestAuthority.create();
    const { cert, key } = await authority.issue("server");
    await checkRecovery(
      tls(),
      `tls://127.0.0.1:0?cert=${cert}&key=${key}`,
      (bound) => `tls://127.0.0.1:${new URL(bound).port}?ca=${authority.ca}`,
    );
  },
});
