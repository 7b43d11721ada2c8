import assert from "node:assert/strict";
import { packagedPath } from "../../fixtures/packaged.ts";

/** What stands in for the program. */
const PROGRAM = "#!/bin/sh\necho sluice 9.9.9\n";
const SUM = new Uint8Array(
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode(PROGRAM)),
).toHex();
const NAME = `sluice-${Deno.build.os}-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;

interface Scene {
  /** Where the programs are. */
  readonly from: string;
  /** Where they go; not made yet. */
  readonly folder: string;
  /** Runs the script. */
  install(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** A web server with files, and a folder to install into. */
async function withScene(
  files: Readonly<Record<string, string>>,
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const text = files[new URL(request.url).pathname.slice(1)];
    return text === undefined ? new Response(null, { status: 404 }) : new Response(text);
  });
  const from = `http://127.0.0.1:${server.addr.port}`;
  const folder = `${home}/bin`;
  const install = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: [packagedPath("install.sh"), ...args],
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH")!, HOME: home, TMPDIR: home },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out, stderr: err };
  };
  try {
    await act({ from, folder, install });
    const left = [...Deno.readDirSync(home)].map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name !== "bin"), [], "nothing is left behind");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const ALL = { [NAME]: PROGRAM, [`${NAME}.sha256`]: `${SUM}  sluice\n` };

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `install.sh ${name}`, ignore: Deno.build.os === "windows", fn });
}

test("puts the program into its place, and again over an older one", async () => {
  await withScene(ALL, async ({ from, folder, install }) => {
    for (const _ of [1, 2]) {
      const { code, stdout, stderr } = await install("--from", from, "--dir", folder);
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^sluice 9.9.9 is installed as ${folder}/sluice$`, "m"));
      assert.match(stdout, /^add it to your PATH/m);
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["sluice"]);
    assert.equal(await Deno.readTextFile(`${folder}/sluice`), PROGRAM);
    assert.equal(Deno.statSync(`${folder}/sluice`).mode! & 0o777, 0o755);
  });
});

test("changes nothing in a dry run", async () => {
  await withScene(ALL, async ({ from, folder, install }) => {
    const { code, stdout } = await install("--dry-run", "--from", from, "--dir", folder);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^sluice 9.9.9 would be installed as ${folder}/sluice$`, "m"));
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
  });
});

test("installs nothing whose sum is another", async () => {
  await withScene({ ...ALL, [NAME]: `${PROGRAM}#` }, async ({ from, folder, install }) => {
    const { code, stderr } = await install("--from", from, "--dir", folder);
    assert.equal(code, 1);
    assert.match(stderr, /^install: the SHA-256 of .* nothing was installed\n$/);
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
  });
});

test("believes a sum from elsewhere more", async () => {
  await withScene({ [NAME]: PROGRAM }, async ({ from, folder, install }) => {
    const wrong = await install("--from", from, "--dir", folder, "--sha256", "0".repeat(64));
    assert.equal(wrong.code, 1);
    const right = await install("--from", from, "--dir", folder, "--sha256", SUM);
    assert.equal(right.code, 0);
  });
});

test("says what it cannot do", async () => {
  await withScene({}, async ({ from, install }) => {
    const golden: [string[], RegExp][] = [
      [[], /^install: no address is given/],
      [["--from", "http://downloads.example.com"], /^install: .* is not https\n$/],
      [["--from"], /^install: --from needs a value\n$/],
      [["--sudo"], /^install: unknown argument --sudo/],
      [["--from", from], /install: .* cannot be had\n$/],
    ];
    for (const [args, line] of golden) {
      const { code, stderr } = await install(...args);
      assert.equal(code, 1);
      assert.match(stderr, line);
    }
  });
});
