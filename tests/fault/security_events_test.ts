import assert from "node:assert/strict";
import tls from "node:tls";
import net from "node:net";
import { TestAuthority } from "../fixtures/certificates.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { until } from "../fixtures/gateway_process.ts";
import { ProtectionScene } from "../fixtures/protection_scene.ts";

/** A server, and how often it was connected to. */
async function listening(server: net.Server) {
  let accepted = 0;
  server.on("connection", () => accepted++);
  const bound = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", bound.resolve);
  await bound.promise;
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

const BREAKER = { failures: 1000, errorRate: 1, openMs: 60_000 };
const OPEN = 2;

/** Makes calls until the circuit of the server is open. */
async function callUntilOpen(scene: ProtectionScene): Promise<void> {
  await until(async () => {
    await scene.client("203.0.113.1").initialize();
    return await scene.metric('sluice_circuit_state{upstream="server"}') === OPEN;
  }, "an open circuit");
}

Deno.test("serve leaves a server alone whose certificate is no good, after as many events as configured", async () => {
  await using theirs = await TestAuthority.create();
  await using ours = await TestAuthority.create();
  const { cert, key } = await theirs.issue("server");
  const options = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  const server = tls.createServer(options, (socket) => socket.on("error", () => {}));
  server.on("tlsClientError", () => {}); // it is refused
  await using there = await listening(server);
  await using scene = await ProtectionScene.start(() => ({
    upstreams: { server: { url: `tls://127.0.0.1:${there.port}?ca=${ours.ca}` } },
    breaker: { ...BREAKER, securityEvents: 3 },
  }));
  await callUntilOpen(scene);
  assert.ok(await scene.metric('sluice_security_events_total{type="cert_invalid"}') >= 3);
  assert.equal(await scene.metric("sluice_suspicious_clients"), 0, "clients have no part in it");
});

Deno.test("serve leaves a server alone that keeps violating the protocol, and only where that is configured", async () => {
  const babbler = () =>
    net.createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.write("no JSON at all\n".repeat(4)));
    });
  for (const securityEvents of [4, 0]) {
    await using there = await listening(babbler());
    await using scene = await ProtectionScene.start(() => ({
      upstreams: { server: { url: `tcp://127.0.0.1:${there.port}` } },
      breaker: { ...BREAKER, securityEvents },
      limits: { callDeadlineMs: 500 },
    }));
    if (securityEvents > 0) await callUntilOpen(scene);
    else {
      await scene.client("203.0.113.1").initialize();
      assert.equal(await scene.metric('sluice_circuit_state{upstream="server"}'), 0);
    }
    const violations = 'sluice_security_events_total{type="protocol_violation"}';
    await until(async () => await scene.metric(violations) >= 4, "4 violations");
  }
});

Deno.test("serve reports failed handshakes and silent clients with their address, once each", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("gateway");
  await using scene = await ProtectionScene.start((folder) => ({
    listen: [
      "http://127.0.0.1:0",
      `https://127.0.0.1:0?cert=${cert}&key=${key}`,
      "tcp://127.0.0.1:0",
    ],
    audit: { path: `${folder}/audit.log` },
    limits: { firstMessageMs: 200 },
  }));
  const secure = new URL(/https:\/\/\S+/.exec(scene.serve.stdout())![0]);
  for (const [url, bytes] of [[secure, "this is no TLS\r\n\r\n"], [scene.tcp, ""]] as const) {
    const socket = net.connect({ host: "127.0.0.1", port: Number(url.port) });
    const closed = Promise.withResolvers<void>();
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    socket.resume();
    if (bytes !== "") socket.write(bytes);
    await bounded(closed.promise, `the end of a connection to ${url}`);
  }
  const lines = async () =>
    (await Deno.readTextFile(`${scene.folder}/audit.log`)).trim().split("\n").filter(Boolean);
  await until(async () => (await lines()).length >= 2, "2 lines of audit");
  const events = (await lines()).map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ type }) => type).sort(), ["silent_client", "tls_error"]);
  for (const { address } of events) assert.match(address, /^127\.0\.0\.1/);
});
