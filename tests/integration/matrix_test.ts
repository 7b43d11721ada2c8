/**
 * Every way into Sluice with every way out of it, on real processes: what passes must not depend on either.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import { TestAuthority } from "../fixtures/certificates.ts";
import { bounded } from "../fixtures/child_wait.ts";
import {
  connectMatrixClient,
  type MatrixClient,
  NETWORK,
  serveEverywhere,
} from "../fixtures/matrix.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { sluice, type SluiceProcess } from "../fixtures/sluice.ts";

const UPSTREAMS = ["child", "tcp", "unix", "tls", "ws", "sse", "http"] as const;
const LISTENERS = ["stdio", ...NETWORK] as const;
const CELLS = UPSTREAMS.length * LISTENERS.length;

const STEPS = 10;
const MEBIBYTE_TEXT = "0123456789abcdef".repeat(65_536);

Deno.test(`all ${CELLS} pairs of listener and upstream carry both directions`, async (t) => {
  await using authority = await TestAuthority.create();
  const files = await authority.issue("localhost");
  await using sockets = await temporaryFolder();
  const serve = (upstream: Command | URL, name: string) =>
    serveEverywhere(upstream, files, authority.ca, `${sockets.path}/${name}`);
  const { serve: server, urls } = await serve(everythingServer(), "server");
  await using _server = server;
  let passed = 0;
  for (const kind of UPSTREAMS) {
    const upstream = kind === "child" ? everythingServer() : urls[kind];
    const { serve: gateway, urls: doors } = await serve(upstream, kind);
    await using _gateway = gateway;
    for (const listener of LISTENERS) {
      const door = listener === "stdio" ? stdioGateway(upstream) : doors[listener];
      const fn = () => bounded(checkCell(door), `${listener} x ${kind}`, CELL_MS);
      if (await t.step(`${listener} x ${kind}`, fn)) passed++;
      else console.error(gateway.stderr());
    }
    await stopQuietly(gateway);
  }
  await stopQuietly(server);
  console.log(`${passed} of ${CELLS}`);
});

/** A cell takes 1 s when two cores have nothing else to do. */
const CELL_MS = 30_000;

async function checkCell(door: URL | Command): Promise<void> {
  await using client = await connectMatrixClient(door);
  for (const message of ["hi", MEBIBYTE_TEXT]) {
    assert.equal(await client.call("echo", { message }), `Echo: ${message}`);
  }
  await checkProgress(client);
  await checkServerRequests(client);
  await client.end();
}

async function checkProgress(client: MatrixClient): Promise<void> {
  const args = { duration: 0.1, steps: STEPS };
  await client.call("trigger-long-running-operation", args, "token");
  const steps = client.told
    .filter(({ method, params }) =>
      method === "notifications/progress" && params.progressToken === "token"
    )
    .map(({ params }) => params.progress);
  assert.deepEqual(steps, Array.from({ length: STEPS }, (_, i) => i + 1));
}

async function checkServerRequests(client: MatrixClient): Promise<void> {
  await client.until("notifications/tools/list_changed"); // these tools appear after the handshake
  const sampled = await client.call("trigger-sampling-request", { prompt: "Why?", maxTokens: 5 });
  assert.match(sampled, /matrix-model/);
  assert.match(sampled, /sampled .*Why\?/);
  const elicited = await client.call("trigger-elicitation-request", {});
  assert.match(elicited, /Name: Ada/);
  // Asked by the server on its own account, 0.35 s after the handshake: the session must not end before.
  await client.until("notifications/message", /Roots updated/);
  const expected = ["elicitation/create", "roots/list", "sampling/createMessage"];
  assert.deepEqual(client.asked.toSorted(), expected);
}

/** Ends Sluice, which has nothing to complain about. */
async function stopQuietly(process: SluiceProcess): Promise<void> {
  const { code } = await process.stop();
  assert.equal(code, 0, process.stderr());
  assert.doesNotMatch(process.stderr(), /"level":"(warn|error|fatal)"/);
}

/** Sluice on standard streams, before an upstream. */
function stdioGateway(upstream: Command | URL): Command {
  const listen = ["serve", "--listen", "stdio:"];
  return upstream instanceof URL
    ? sluice(...listen, "--upstream", `server=${upstream.href}`)
    : sluice(...listen, "--", upstream.program, ...upstream.args);
}

async function temporaryFolder() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
