import assert from "node:assert/strict";
import { allClients, COMPLETION, type FrontClient, sdkClients } from "../fixtures/front_clients.ts";
import { bounded } from "../fixtures/child_wait.ts";
import {
  complaints,
  type FrontProxy,
  type ProxyName,
  proxyProgram,
  startProxy,
} from "../fixtures/front_proxy.ts";
import { TestAuthority } from "../fixtures/certificates.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { packaged } from "../fixtures/packaged.ts";
import { faultyServer } from "../fixtures/servers.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const PROXIES: readonly ProxyName[] = ["nginx", "haproxy"];
/** The real thing is 30 s, 600 s and 15 s. */
const IDLE_S = 3, CALL_MS = 18_000, HEARTBEAT_MS = 500;

for (const proxy of PROXIES) {
  const ignore = proxyProgram(proxy) === undefined;
  if (ignore) console.log(`skipped: ${proxy} is not installed`);
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${proxy} in front: ${name}`, ignore, fn });

  test("calls outlast its idle timeout on every transport", async () => {
    await using scene = await openScene(proxy, { idleS: IDLE_S, heartbeatMs: HEARTBEAT_MS });
    await using clients = await connected(() => allClients(scene.front.url));
    const calls = clients.all.map(async ({ name, call }) => {
      const nonce = crypto.randomUUID();
      const text = await call({ nonce, ms: CALL_MS });
      assert.equal(JSON.parse(text).nonce, nonce, name);
    });
    await bounded(Promise.all(calls), "the answers", 5 * CALL_MS);
    for (const { name, complaints } of clients.all) assert.deepEqual(complaints, [], name);
  });

  test("what no heartbeat keeps alive is cut", async () => {
    await using scene = await openScene(proxy, {
      idleS: 1,
      heartbeatMs: 3_600_000,
      env: { SLUICE_LIMITS_DRAIN_MS: "1000" },
    });
    await using clients = await connected(() => allClients(scene.front.url));
    const { call } = clients.all.at(-1)!;
    await assert.rejects(
      bounded(call({ nonce: "cut", fault: "hang" }), "the cut"),
      /50[24]|reading/,
    );
  });

  test("questions of the server arrive while its answer waits for them", async () => {
    await using scene = await openScene(proxy, {});
    await using clients = await connected(() => sdkClients(scene.front.url));
    await bounded(
      Promise.all(clients.all.map(async ({ name, call }) => {
        const text = await call({ nonce: name, fault: "ask" });
        assert.equal(JSON.parse(text).result.content.text, COMPLETION, name);
      })),
      "the answers",
    );
  });

  test("clients have their own addresses, and only the proxy can say which", async () => {
    const settings = {
      SLUICE_HTTP_TRUSTED_PROXIES: "127.0.0.2",
      SLUICE_DENY_ADDRESSES: "192.0.2.9",
    };
    await using scene = await openScene(proxy, { env: settings });
    assert.equal(await statusAs("192.0.2.9", scene.front.url), 200, "the proxy overwrites it");
    assert.equal(await statusAs("192.0.2.9", scene.gateway.url), 200, "127.0.0.1 is no proxy");
    const trusting = { ...settings, SLUICE_HTTP_TRUSTED_PROXIES: "127.0.0.1" };
    await using other = await openScene(proxy, { env: trusting });
    assert.equal(await statusAs("192.0.2.9", other.front.url), 200, "the proxy overwrites it");
    assert.equal(await statusAs("192.0.2.9", other.gateway.url), 403, "127.0.0.1 is the proxy");
  });

  test("metrics and health are not shown outside", async () => {
    await using scene = await openScene(proxy, {});
    for (const path of ["/metrics", "/health", "/ready", "/", "/mcpx"]) {
      const response = await fetch(new URL(path, scene.front.url));
      await response.body?.cancel();
      assert.equal(response.status, 404, path);
    }
  });

  test("the sample is valid as it stands, with a certificate", async () => {
    await using authority = await TestAuthority.create();
    const { cert, key } = await authority.issue("mcp.example.com");
    assert.equal(await complaints(proxy, await withCertificate(proxy, cert, key)), "");
  });
}

Deno.test({
  name: "haproxy in front: sessions stay with the gateway that opened them",
  ignore: proxyProgram("haproxy") === undefined,
  async fn() {
    const server = faultyServer();
    await using first = await startServe(server);
    await using second = await startServe(server);
    const gateways = [portOf(first), portOf(second)];
    await using front = await startProxy({ name: "haproxy", gateways, inTurn: true });
    const clients = Array.from({ length: 6 }, () => new GatewayClient(front.url.href));
    try {
      for (const client of clients) assert.equal((await client.initialize()).status, 200);
      for (const [at, client] of clients.entries()) {
        assert.equal((await client.call("1", { nonce: `${at}` })).status, 200);
      }
      assert.equal(await sessionsOf(first) + await sessionsOf(second), clients.length);
      assert.ok(await sessionsOf(first) > 0 && await sessionsOf(second) > 0);
      for (const client of clients) assert.equal(await client.end(), 200);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  },
});

Deno.test({
  name: "haproxy in front: a gateway that ends refuses no client, and its sessions are told",
  ignore: proxyProgram("haproxy") === undefined,
  async fn() {
    await using first = await startServe(new URL("builtin:echo"));
    await using second = await startServe(new URL("builtin:echo"));
    const gateways = [portOf(first), portOf(second)];
    await using front = await startProxy({ name: "haproxy", gateways, inTurn: true });
    const clients = Array.from({ length: 20 }, () => new GatewayClient(front.url.href));
    try {
      const [before, after] = [clients.slice(0, 10), clients.slice(10)];
      for (const client of before) assert.equal((await client.initialize()).status, 200);
      const lost = await sessionsOf(first);
      await first.stop();
      for (const client of after) assert.equal((await client.initialize()).status, 200);
      for (const client of after) {
        assert.equal((await client.call("1", { nonce: "a" })).status, 200);
      }
      const statuses = [];
      for (const client of before) statuses.push((await client.call("1", { nonce: "b" })).status);
      assert.equal(statuses.filter((status) => status === 404).length, lost, "they begin anew");
      assert.equal(statuses.filter((status) => status === 200).length, before.length - lost);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  },
});

interface Scene extends AsyncDisposable {
  readonly gateway: SluiceServe;
  readonly front: FrontProxy;
}

interface SceneOptions {
  readonly idleS?: number;
  readonly heartbeatMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

async function openScene(
  name: ProxyName,
  { idleS, heartbeatMs = 15_000, env }: SceneOptions,
): Promise<Scene> {
  const gateway = await startServe(faultyServer(), {
    env: {
      SLUICE_HTTP_HEARTBEAT_MS: `${heartbeatMs}`,
      SLUICE_LIMITS_CALL_DEADLINE_MS: `${10 * CALL_MS}`,
      SLUICE_HTTP_ALLOWED_HOSTS: "mcp.example.com",
      ...env,
    },
  });
  try {
    const front = await startProxy({ name, gateways: [portOf(gateway)], idleS });
    return {
      gateway,
      front,
      async [Symbol.asyncDispose]() {
        await front[Symbol.asyncDispose]();
        await gateway[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/** Clients that are ended together. */
async function connected(connect: () => Promise<FrontClient[]>) {
  const all = await bounded(connect(), "the clients");
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const client of all) await client[Symbol.asyncDispose]();
    },
  };
}

/** The sample, with files that exist: HAProxy wants certificate and key in one. */
async function withCertificate(proxy: ProxyName, cert: string, key: string): Promise<string> {
  if (proxy === "nginx") {
    return packaged("nginx/sluice.conf")
      .replace("/etc/ssl/mcp.example.com.pem", cert)
      .replace("/etc/ssl/private/mcp.example.com.key", key);
  }
  const both = `${cert}.both`;
  await Deno.writeTextFile(both, await Deno.readTextFile(cert) + await Deno.readTextFile(key));
  return packaged("haproxy/haproxy.cfg").replace("/etc/haproxy/mcp.example.com.pem", both);
}

function portOf(gateway: SluiceServe): number {
  return Number(gateway.url.port);
}

async function statusAs(address: string, url: URL): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "x-forwarded-for": address,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "test", version: "1" },
      },
    }),
  });
  await response.body?.cancel();
  return response.status;
}

async function sessionsOf(gateway: SluiceServe): Promise<number> {
  const response = await fetch(new URL("/health", gateway.url));
  return (await response.json()).sessions;
}
