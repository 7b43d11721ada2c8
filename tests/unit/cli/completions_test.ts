import assert from "node:assert/strict";
import { run } from "../../../cli/commands.ts";
import { SHELLS } from "../../../cli/completions.ts";
import { hasProgram } from "../../fixtures/programs.ts";

/** What `sluice completions SHELL` prints. */
async function script(shell: string): Promise<string> {
  let text = "";
  const code = await run(["completions", shell], {
    stdout: (part) => text += part,
    stderr: (part) => assert.fail(part),
  });
  assert.equal(code, 0);
  return text;
}

/** What bash would offer for the last of some words. */
async function offered(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const program = `${await script("bash")}
compopt() { OPTIONS="$*"; }
complete -p sluice
COMP_WORDS=(${quoted})
COMP_CWORD=${words.length - 1}
_sluice
printf '%s\\n' "\${COMPREPLY[@]}"
echo "options: $OPTIONS"`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "-c", program],
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.equal(code, 0);
  const [registered, ...lines] = new TextDecoder().decode(stdout).split("\n");
  assert.equal(registered, "complete -o bashdefault -o default -F _sluice sluice");
  return lines.filter((line) => line !== "" && line !== "options: ");
}

Deno.test({
  name: "bash completes commands, flags and values",
  ignore: !hasProgram("bash"),
  async fn() {
    const commands = await offered("sluice", "");
    for (const name of ["serve", "proxy", "check", "bench", "capacity", "completions", "man"]) {
      assert.ok(commands.includes(name), name);
    }
    assert.ok(!commands.includes("bench-worker"), "hidden ones stay hidden");
    assert.deepEqual(await offered("sluice", "ser"), ["serve"]);
    assert.deepEqual(await offered("sluice", "serve", "--li"), ["--listen"]);
    assert.ok(!(await offered("sluice", "serve", "--")).includes("--as-worker"));
    assert.deepEqual(await offered("sluice", "completions", "z"), ["zsh"]);
    const levels = await offered("sluice", "serve", "--log-level", "");
    assert.ok(levels.includes("debug") && levels.includes("info"), levels.join(" "));
    assert.deepEqual(await offered("sluice", "proxy", "--upstream-era", "mod"), ["modern"]);
  },
});

Deno.test({
  name: "bash completes files where files belong",
  ignore: !hasProgram("bash"),
  async fn() {
    // Nothing of ours: then bash itself completes paths, unless it is told not to.
    assert.deepEqual(await offered("sluice", "serve", "--config", ""), []);
    assert.deepEqual(await offered("sluice", "serve", "--listen", ""), [
      "options: +o default +o bashdefault",
    ]);
    assert.deepEqual(await offered("sluice", "serve", "--", "no"), []);
  },
});

for (const shell of SHELLS) {
  const missing = !hasProgram(shell);
  if (missing) console.log(`skipped: ${shell} is not installed`);
  Deno.test({
    name: `${shell} can read its script`,
    ignore: missing,
    async fn() {
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(file, await script(shell));
        const { code, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
        assert.equal(new TextDecoder().decode(stderr), "");
        assert.equal(code, 0);
      } finally {
        await Deno.remove(file);
      }
    },
  });
}

Deno.test("run() refuses a shell that has no completions", async () => {
  let stderr = "";
  const code = await run(["completions", "csh"], { stdout: () => {}, stderr: (t) => stderr += t });
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
