import assert from "node:assert/strict";
import { resolveConfig } from "../../../lib/config/load.ts";

const ignore = Deno.build.os === "windows";

/** What is told of a configuration in a file of this mode, beside keys of their own modes. */
async function warned(
  value: (folder: string) => Record<string, unknown>,
  { file = 0o600, key = 0o600 }: { file?: number; key?: number } = {},
): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, mode] of [["gateway.json", file], ["key.pem", key]] as const) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
      await Deno.chmod(`${folder}/${name}`, mode);
    }
    const document = {
      file: `${folder}/gateway.json`,
      value: value(folder),
      place: () => "gateway.json:1",
    };
    const { warnings } = await resolveConfig(document, {}, { TOKEN: "from-the-environment" });
    return warnings.map((line) => line.replaceAll(folder, ""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const upstream = (entry: Record<string, unknown>) => () => ({
  sluice: { listen: ["http://127.0.0.1:1"], upstreams: { far: entry } },
});
const URL_TEXT = "https://far.test/mcp";

Deno.test({
  name: "secretWarnings() tells of keys that everybody can read, on either side",
  ignore,
  async fn() {
    const listener = (folder: string) => ({
      sluice: {
        listen: [`https://127.0.0.1:1?cert=${folder}/cert.pem&key=${folder}/key.pem`],
        upstreams: { demo: { url: "builtin:demo" } },
      },
    });
    const told = ["everybody on this machine can read the key /key.pem; chmod 600 it"];
    for (const mode of [0o644, 0o604, 0o666]) {
      assert.deepEqual(await warned(listener, { key: mode }), told);
    }
    for (const mode of [0o600, 0o400, 0o640]) {
      assert.deepEqual(await warned(listener, { key: mode }), []);
    }
    const dialled = (folder: string) =>
      upstream({ url: `${URL_TEXT}?cert=${folder}/c.pem&key=${folder}/key.pem` })();
    assert.deepEqual(await warned(dialled, { key: 0o644 }), told);
    const signing = (folder: string) =>
      upstream({
        url: URL_TEXT,
        auth: { type: "client_credentials", clientId: "c", privateKeyFile: `${folder}/key.pem` },
      })();
    assert.deepEqual(await warned(signing, { key: 0o644 }), told);
  },
});

Deno.test({
  name: "secretWarnings() tells of secrets written into a file that everybody can read",
  ignore,
  async fn() {
    const open = { file: 0o644 };
    const auth = { type: "client_credentials", clientId: "c", clientSecret: "literally-this" };
    const [told, ...others] = await warned(upstream({ url: URL_TEXT, auth }), open);
    assert.deepEqual(others, []);
    assert.match(told, /read \/gateway\.json, which holds a secret .*auth\.clientSecret\)/);
    assert.doesNotMatch(told, /literally-this/);
    const headers = { Authorization: "Bearer literally-this" };
    assert.equal((await warned(upstream({ url: URL_TEXT, headers }), open)).length, 1);
    assert.deepEqual(
      await warned(upstream({ url: URL_TEXT, headers })),
      [],
      "nobody else reads it",
    );
    const variable = { url: URL_TEXT, headers: { Authorization: "Bearer ${TOKEN}" } };
    assert.deepEqual(await warned(upstream(variable), open), []);
  },
});

Deno.test("secretWarnings() tells of secrets in arguments, without showing them", async () => {
  const shown = async (entry: Record<string, unknown>) => {
    const warnings = await warned(upstream(entry));
    for (const line of warnings) assert.doesNotMatch(line, /hunter2/);
    return warnings.join("\n");
  };
  const argued = /arguments of upstream far hold a secret/;
  for (
    const args of [["--api-key", "hunter2"], ["--token=hunter2"], ["x", "-password", "hunter2"]]
  ) {
    assert.match(await shown({ command: "server", args }), argued);
  }
  for (
    const args of [["--token-file", "hunter2"], ["--auth", "--verbose"], ["hunter2"], ["--token="]]
  ) {
    assert.equal(await shown({ command: "server", args }), "");
  }
  assert.equal(await shown({ command: "server", env: { TOKEN: "hunter2" } }), "");
});
