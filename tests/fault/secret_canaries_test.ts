import assert from "node:assert/strict";
import { CanaryScene } from "../fixtures/canary_scene.ts";
import { until } from "../fixtures/gateway_process.ts";
import { runSluice } from "../fixtures/sluice.ts";

/** As it is, and as it may be written elsewhere. */
function formsOf(secret: string): string[] {
  return [secret, btoa(secret).replaceAll("=", ""), encodeURIComponent(secret)];
}

Deno.test("no secret comes out anywhere, wherever it came in", async () => {
  await using scene = await CanaryScene.start();
  await scene.play();
  await until(async () => (await Deno.stat(`${scene.folder}/export.bin`)).size > 0, "an export");
  const outlets = await scene.outlets();
  for (const [outlet, text] of outlets) {
    assert.ok(text.length > 0, `${outlet} says nothing`);
    for (const [place, secret] of Object.entries(scene.canaries)) {
      for (const form of formsOf(secret)) {
        const at = text.indexOf(form);
        assert.equal(at, -1, `${place} in ${outlet}: ${text.slice(Math.max(0, at - 200), at)}`);
      }
    }
  }
  assert.match(outlets.get("log")!, /"upstream":"refused".*token/, "the refusal is told of");
  assert.match(outlets.get("audit.log")!, /authentication_failed/);
  assert.match(
    outlets.get("audit.log")!,
    /protocol_violation/,
    "a token in the query of a WebSocket",
  );
  assert.match(outlets.get("answers")!, /^200 /m);
  assert.match(outlets.get("answers")!, /^401 /m);
  assert.match(outlets.get("answers")!, /^400 /m);
  assert.match(outlets.get("answers")!, /-3100\d/, "servers that fail are told of");
});

Deno.test("a configuration with a password in an address is refused without showing it", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/c.json`;
  const secret = "canary-in-an-address";
  const listeners = [`http://u:${secret}@127.0.0.1:0`, `https://127.0.0.1:0?key=x&pass=${secret}`];
  const settings = [
    { mcpServers: { one: { url: `https://user:${secret}@far.test/mcp` } } },
    { mcpServers: { one: { url: `wss://${secret}@far.test/mcp` } } },
    ...listeners.map((listen) => ({ sluice: { listen: [listen] } })),
  ];
  for (const value of settings) {
    await Deno.writeTextFile(file, JSON.stringify(value));
    const { code, stdout, stderr } = await runSluice(["check", "--config", file]);
    assert.equal(code, 2, `${stdout}${stderr}`);
    assert.ok(!`${stdout}${stderr}`.includes(secret), `${stdout}${stderr}`);
  }
  await Deno.remove(folder, { recursive: true });
});
