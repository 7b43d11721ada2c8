import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { bounded } from "../fixtures/child_wait.ts";

/**
 * What stands in for the program: says its arguments, passes a line through, ends as it is told, and waits for a
 * signal where it is told to wait.
 */
const PROGRAM = `#!/bin/sh
trap 'echo terminated; exit 7' TERM
echo "$@"
case $1 in
  line) read -r line; echo "got $line" ;;
  end) exit "$2" ;;
  wait) echo waiting; while :; do sleep 0.1; done ;;
esac
`;
const PLATFORM = `${Deno.build.os}-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function succeeds(program: string, args: string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Installs the packages, made of the stand-in, as npm would: the platform's from a folder beside it. */
async function installed(home: string): Promise<string> {
  const program = `${home}/program`;
  await Deno.writeTextFile(program, PROGRAM);
  const sum = await succeeds("sha256sum", [program], home);
  await Deno.writeTextFile(`${program}.sha256`, sum);
  const assemble = ["run", "-A", "--quiet", `${ROOT}packaging/npm/assemble.ts`];
  await succeeds(
    Deno.execPath(),
    [...assemble, "--out", `${home}/packages`, `${PLATFORM}=${program}`],
    ROOT,
  );
  await Deno.writeTextFile(
    `${home}/package.json`,
    JSON.stringify({
      private: true,
      dependencies: {
        sluice: "file:packages/sluice",
        [`@sluice-mcp/${PLATFORM}`]: `file:packages/${PLATFORM}`,
      },
      // The platform's package is in no registry yet.
      overrides: { [`@sluice-mcp/${PLATFORM}`]: `file:packages/${PLATFORM}` },
    }),
  );
  const quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error", "--install-links"];
  await succeeds("npm", ["install", ...quiet], home);
  return `${home}/node_modules/.bin/sluice`;
}

Deno.test({
  name: "the npm package starts the program of its platform in place of itself",
  ignore: Deno.build.os === "windows",
  async fn(t) {
    const home = await Deno.makeTempDir();
    try {
      const sluice = await installed(home);
      await t.step("with its arguments", async () => {
        assert.equal(await succeeds(sluice, ["serve", "--", "a b"], home), "serve -- a b\n");
      });
      await t.step("with its input and output", async () => {
        const child = new Deno.Command(sluice, {
          args: ["line"],
          stdin: "piped",
          stdout: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode("hello\n"));
        await writer.close();
        const { stdout } = await bounded(child.output(), "the program's output");
        assert.equal(new TextDecoder().decode(stdout), "line\ngot hello\n");
      });
      await t.step("with its exit code", async () => {
        const { code } = await new Deno.Command(sluice, { args: ["end", "2"] }).output();
        assert.equal(code, 2);
      });
      await t.step("with its signals", async () => {
        const child = new Deno.Command(sluice, { args: ["wait"], stdout: "piped" }).spawn();
        let said = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          if (!said.includes("waiting") && text.includes("waiting")) child.kill("SIGTERM");
          said += text;
        }
        assert.equal(said, "wait\nwaiting\nterminated\n");
        assert.equal((await bounded(child.status, "its end")).code, 7);
      });
      await t.step("and says so where there is none", async () => {
        await Deno.remove(`${home}/node_modules/@sluice-mcp`, { recursive: true });
        const { code, stderr } = await new Deno.Command(sluice).output();
        assert.equal(code, 1);
        assert.match(
          new TextDecoder().decode(stderr),
          /^sluice: Cannot start: there is no program/,
        );
      });
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

Deno.test("the npm packages are those of this version, for the platforms they say", async () => {
  const home = await Deno.makeTempDir();
  try {
    const program = `${home}/program`;
    await Deno.writeTextFile(program, PROGRAM);
    await Deno.writeTextFile(`${program}.sha256`, await succeeds("sha256sum", [program], home));
    await succeeds(
      Deno.execPath(),
      [
        ...["run", "-A", "--quiet", `${ROOT}packaging/npm/assemble.ts`, "--out", home],
        ...[`linux-x64=${program}`, `darwin-arm64=${program}`],
      ],
      ROOT,
    );
    const read = async (name: string) =>
      JSON.parse(await Deno.readTextFile(`${home}/${name}/package.json`));
    const { version } = manifest;
    assert.deepEqual((await read("sluice")).optionalDependencies, {
      "@sluice-mcp/linux-x64": version,
      "@sluice-mcp/darwin-arm64": version,
    });
    const linux = await read("linux-x64");
    assert.deepEqual([linux.version, linux.os, linux.cpu, linux.libc], [
      version,
      ["linux"],
      ["x64"],
      ["glibc"],
    ]);
    assert.equal((await read("darwin-arm64")).libc, undefined);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
