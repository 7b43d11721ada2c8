import assert from "node:assert/strict";
import {
  type Kept,
  NOTHING_KEPT,
  TokenFile,
} from "../../../../lib/auth/oauth_client/token_file.ts";

const KEPT: Kept = {
  ...NOTHING_KEPT,
  resource: "https://x.test/mcp",
  grant: {
    issuer: "https://as.test",
    clientId: "c",
    accessToken: "SECRET",
    scopes: ["a"],
    by: "login",
    obtainedAtMs: 1,
  },
};

async function inFolder(use: (path: string, warnings: string[], file: TokenFile) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const warnings: string[] = [];
  const path = TokenFile.pathIn(`${folder}/deep/er`, "https://x.test/mcp", "key");
  try {
    await use(path, warnings, new TokenFile(path, (text) => warnings.push(text)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("TokenFile gives back what it was given, to its owner only", () =>
  inFolder(async (path, warnings, file) => {
    assert.deepEqual(await file.read(), NOTHING_KEPT);
    await file.write(KEPT);
    assert.deepEqual(await new TokenFile(path, () => {}).read(), KEPT);
    if (Deno.build.os !== "windows") {
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      assert.equal((await Deno.stat(path.replace(/\/[^/]*$/, ""))).mode! & 0o777, 0o700);
    }
    assert.deepEqual(warnings, []);
    await file.write({ ...KEPT, grant: undefined });
    assert.equal((await file.read()).grant, undefined);
    const names = [...Deno.readDirSync(path.replace(/\/[^/]*$/, ""))].map(({ name }) => name);
    assert.equal(names.length, 1); // nothing is left beside it
  }));

Deno.test("TokenFile ignores what others may read, or what is none, and quotes nothing of it", () =>
  inFolder(async (path, warnings, file) => {
    await file.write(KEPT);
    const text = await Deno.readTextFile(path);
    for (const bad of [text.slice(0, -5), "[]", '{"format":2}', "SECRET", ""]) {
      await Deno.writeTextFile(path, bad);
      assert.deepEqual(await file.read(), NOTHING_KEPT, bad);
    }
    assert.equal(warnings.length, 5);
    assert.ok(!warnings.join().includes("SECRET"));
    if (Deno.build.os === "windows") return;
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, 0o644);
    assert.deepEqual(await file.read(), NOTHING_KEPT);
    assert.match(warnings.at(-1)!, /others may read it/);
    await Deno.remove(path);
    await Deno.symlink("/etc/passwd", path);
    assert.deepEqual(await file.read(), NOTHING_KEPT);
  }));

Deno.test("TokenFile keeps in memory what cannot be written, and says so once", () =>
  inFolder(async (path, warnings) => {
    const blocked = path.replace(/deep.*/, "blocked");
    await Deno.writeTextFile(blocked, "");
    const file = new TokenFile(`${blocked}/x.json`, (text) => warnings.push(text));
    await file.write(KEPT);
    await file.write(KEPT);
    assert.deepEqual(await file.read(), KEPT);
    assert.equal(await file.lock(new AbortController().signal), undefined);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /tokens are not kept/);
  }));

Deno.test("TokenFile without a home keeps in memory", async () => {
  const file = new TokenFile(undefined, assert.fail);
  await file.write(KEPT);
  assert.deepEqual(await file.read(), KEPT);
});

Deno.test("TokenFile.pathIn() tells servers and clients apart, and neither can choose it", () => {
  const path = (resource: string, key: string) => TokenFile.pathIn("/f", resource, key);
  assert.notEqual(path("a", "bc"), path("ab", "c"));
  assert.match(path("../../etc/passwd", "x"), /^\/f\/[0-9a-f]{32}\.json$/);
});
