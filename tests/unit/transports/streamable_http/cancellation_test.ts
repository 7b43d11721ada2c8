import assert from "node:assert/strict";
import { request } from "../../../../lib/core/compose.ts";
import { cancelled, modern } from "../../../fixtures/modern_http_server.ts";
import { withModernScene } from "../../../fixtures/modern_scene.ts";

for (const phase of ["before its answer", "in its stream", "on a kept connection"] as const) {
  Deno.test(`cancelling a modern request closes its connection ${phase}`, async () => {
    await withModernScene(async ({ server, lost, send, next }) => {
      const list = async (id: number) => {
        await send(modern(id, "tools/list"));
        (await server.next()).result({ tools: [] });
        assert.equal((await next()).json().id, id);
      };
      if (phase === "on a kept connection") await list(100);
      await send(modern(1, "tools/call", { name: "slow" }));
      const received = await server.next();
      if (phase === "in its stream") {
        received.stream({ jsonrpc: "2.0", method: "notifications/message", params: {} });
        await next();
      }
      await send(cancelled(1));
      await received.closed;
      await list(2);
      await send(cancelled(1)); // too late: nobody to tell
      await list(3);
      const names = server.received.map(({ headers }) => headers["mcp-name"]).filter(Boolean);
      assert.deepEqual(names, ["slow"]);
      assert.ok(server.received.every(({ body }) => body.id !== undefined), "it was posted");
      assert.deepEqual(lost, []);
    });
  });
}

Deno.test("cancelling a modern request that still waits takes it out", async () => {
  await withModernScene(async ({ server, send, next }) => {
    await send(modern(1, "tools/call", { name: "a" }), modern(2, "tools/call", { name: "b" }));
    const first = await server.next();
    await send(cancelled(2), modern(3, "tools/call", { name: "c" }));
    first.result({});
    assert.equal((await next()).json().id, 1);
    const third = await server.next();
    assert.equal(third.body.id, 3);
    third.result({});
    assert.equal((await next()).json().id, 3);
  }, { inFlightMax: 1 });
});

Deno.test("the cancellation of a legacy request is posted still", async () => {
  await withModernScene(async ({ server, send }) => {
    await send(request(1, "tools/call", { name: "slow" }));
    const received = await server.next();
    await send(cancelled(1));
    const posted = await server.next();
    assert.equal(posted.body.method, "notifications/cancelled");
    posted.respond(202, "");
    await received.closed;
  });
});
