import assert from "node:assert/strict";
import { describeSetting, listSettings, variableName } from "../../../lib/config/describe.ts";
import { DOC_FILES, renewPage, schemaText } from "../../../lib/config/generate_docs.ts";

Deno.test("docs/configuration.md and docs/sluice.schema.json match the schema", () => {
  const hint = "run deno run -A lib/config/generate_docs.ts";
  const page = Deno.readTextFileSync(DOC_FILES.page);
  assert.equal(page, renewPage(page), hint);
  assert.equal(Deno.readTextFileSync(DOC_FILES.schema), schemaText(), hint);
});

Deno.test("listSettings() says everything about every setting", () => {
  for (const { path, description, kind, unit, env } of listSettings()) {
    const name = path.join(".");
    assert.ok(description !== "", `${name} has no description`);
    assert.ok(kind !== "number" || unit !== undefined, `${name} has no unit`);
    assert.ok(env !== undefined || path.includes("NAME"), `${name} has no variable`);
  }
});

Deno.test("listSettings() gives every variable to one setting only", () => {
  const names = listSettings().flatMap(({ env }) => env ?? []);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("variableName() follows from the keys", () => {
  assert.equal(variableName(["limits", "messageBytes"]), "SLUICE_LIMITS_MESSAGE_BYTES");
  assert.equal(variableName(["http", "tlsHandshakeMs"]), "SLUICE_HTTP_TLS_HANDSHAKE_MS");
  assert.equal(variableName(["listen"]), "SLUICE_LISTEN");
});

Deno.test("describeSetting() names choices and default", () => {
  assert.match(describeSetting("log.level"), /one of trace, .*; default info\)$/);
  assert.throws(() => describeSetting("nope"), /no such setting/);
});
