/**
 * Whom a question of a server with a handshake is put to while several calls are under way.
 *
 * @module
 */
import assert from "node:assert/strict";
import { FakeSession } from "../../fixtures/fake_server.ts";
import { ABLE, HeldScene, retry } from "../../fixtures/held_scene.ts";
import { modern } from "../../fixtures/modern_messages.ts";

const tool = (id: number, name: string, self = ABLE) =>
  modern(`${id}`, "tools/call", `"name":"${name}"`, self);

Deno.test("a question goes to the newest call of one client that may be asked, and its answer to the server", async () => {
  using scene = new HeldScene();
  const session = new FakeSession();
  const older = scene.call(tool(1, "older"), session);
  const newer = scene.call(tool(2, "newer"), session);
  scene.call(tool(3, "without capabilities", {}), session);
  for (let i = 0; i < 3; i++) await scene.server.next();
  const asked = scene.ask("q");
  const { keys: [key], requestState } = await scene.required(newer);
  const answers = { [key]: '{"action":"decline"}' };
  const params = `"name":"newer",${retry(requestState, answers)}`;
  scene.call(modern("4", "tools/call", params, ABLE), session);
  assert.deepEqual((await asked).json().result, { action: "decline" });
  assert.equal(await Promise.race([older.answer, Promise.resolve("waits")]), "waits");
});

Deno.test("a question goes to nobody when calls of several clients are under way", async () => {
  using scene = new HeldScene();
  scene.call(tool(1, "mine"), new FakeSession());
  scene.call(tool(1, "theirs"), new FakeSession());
  for (let i = 0; i < 2; i++) await scene.server.next();
  await assert.rejects(scene.ask("q"), /belongs to no single call/);
});
