import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { type AdminFacts, adminRoutes } from "../../../lib/admin/routes.ts";
import { gatewayMetrics } from "../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../lib/telemetry/metrics.ts";

interface Running extends AsyncDisposable {
  readonly url: string;
}

/** The routes on a real server, as `serve` mounts them. */
async function serveAdmin(facts: AdminFacts): Promise<Running> {
  // without this option the adapter replaces the global Request and Response
  const listener = getRequestListener(adminRoutes(facts).fetch, { overrideGlobalObjects: false });
  const server: Server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Changing {
  draining: boolean;
  failing: boolean;
}

function factsOf(registry: Registry, state: Changing, logged: string[] = []): AdminFacts {
  return {
    registry,
    version: "1.2.3",
    logger: { error: (message) => logged.push(message) },
    uptimeS: () => 12.7,
    sessions: () => {
      if (state.failing) throw new Error("secret detail");
      return 3;
    },
    draining: () => state.draining,
  };
}

Deno.test("adminRoutes() answers on a node:http server", async () => {
  const registry = new Registry();
  gatewayMetrics(registry).sessions.set(3);
  const state = { draining: false, failing: false };
  await using running = await serveAdmin(factsOf(registry, state));

  const metrics = await fetch(`${running.url}/metrics`);
  assert.equal(metrics.status, 200);
  assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await metrics.text(), /^sluice_sessions 3$/m);

  const health = await fetch(`${running.url}/health`);
  assert.equal(health.status, 200);
  assert.equal(health.headers.get("cache-control"), "no-store");
  assert.deepEqual(await health.json(), {
    status: "ok",
    version: "1.2.3",
    uptimeS: 12,
    sessions: 3,
  });

  const ready = await fetch(`${running.url}/ready`);
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), { ready: true });

  state.draining = true;
  const draining = await fetch(`${running.url}/ready`);
  assert.equal(draining.status, 503);
  assert.match(draining.headers.get("retry-after") ?? "", /^\d+$/);
  assert.deepEqual(await draining.json(), { ready: false, why: "draining" });
  const alive = await fetch(`${running.url}/health`);
  assert.equal(alive.status, 200);
  assert.equal((await alive.json()).status, "draining");

  const head = await fetch(`${running.url}/ready`, { method: "HEAD" });
  assert.equal(head.status, 503);
  await head.body?.cancel();
});

Deno.test("adminRoutes() refuses other methods and paths in JSON", async () => {
  const app = adminRoutes(factsOf(new Registry(), { draining: false, failing: false }));
  const post = await app.request("/health", { method: "POST" });
  assert.equal(post.status, 405);
  assert.equal(post.headers.get("allow"), "GET, HEAD");
  const unknown = await app.request("/healthy");
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), { error: "not found" });
});

Deno.test("adminRoutes() hides why a route failed from the peer and logs it", async () => {
  const logged: string[] = [];
  const state = { draining: false, failing: true };
  const response = await adminRoutes(factsOf(new Registry(), state, logged)).request("/health");
  assert.equal(response.status, 500);
  assert.deepEqual(await response.json(), { error: "internal error" });
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(logged, ["admin route failed"]);
});
