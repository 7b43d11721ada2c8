import assert from "node:assert/strict";
import { HeldScene } from "../../fixtures/held_scene.ts";

const URL_QUESTION = { mode: "url", message: "?", url: "https://example.com", elicitationId: "1" };

Deno.test("a client is sent to a website only if it can be", async () => {
  for (const elicitation of [{}, { form: {} }]) {
    using scene = new HeldScene();
    const first = await scene.tool('"name":"t"', { capabilities: { elicitation } });
    await assert.rejects(scene.ask(1, "elicitation/create", URL_QUESTION), { code: -32601 });
    first.got.answer({ isError: true });
    await assert.rejects(first.answer, { code: -32021 });
  }
  using scene = new HeldScene();
  const first = await scene.tool('"name":"t"', { capabilities: { elicitation: { url: {} } } });
  scene.ask(1, "elicitation/create", URL_QUESTION);
  const { inputRequests } = await scene.required(first);
  assert.deepEqual(Object.values(inputRequests), [
    { method: "elicitation/create", params: URL_QUESTION },
  ]);
});
