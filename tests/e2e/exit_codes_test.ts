import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { echoServer } from "../fixtures/servers.ts";
import { runSluice, SLUICE_TEST_BINARY, startServe } from "../fixtures/sluice.ts";
import { testCompiled } from "./compiled.ts";

const ECHO = ["--", ...commandLine()];

function commandLine(): string[] {
  const { program, args } = echoServer();
  return [program, ...args];
}

testCompiled("--version is the version of deno.json", async () => {
  const { code, stdout, stderr } = await runSluice(["--version"]);
  assert.deepEqual([code, stdout, stderr], [0, `sluice ${manifest.version}\n`, ""]);
});

/** Arguments that end at once, without an error. */
const FINE: readonly (readonly string[])[] = [
  ...[["--help"], ["serve", "--help"], ["proxy", "--help"], ["check", "--help"]],
  ["check", ...ECHO],
];

for (const args of FINE) {
  testCompiled(`status 0 and text on stdout: sluice ${args[0]} ${args[1] ?? ""}`, async () => {
    const { code, stdout, stderr } = await runSluice(args);
    assert.equal(code, 0, stderr);
    assert.notEqual(stdout, "");
  });
}

/** Name, arguments, exit code, and what the one line on stderr has to say. */
const WRONG: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["no command", [], 2, /no command/],
  ["an unknown command", ["sreve"], 2, /serve/],
  ["an unknown option", ["serve", "--lisen", "x"], 2, /--listen/],
  ["no program after --", ["serve", "--"], 2, /no command after --/],
  ["a bad listen URL", ["serve", "--listen", "gopher://x", ...ECHO], 2, /gopher/],
  ["a bad upstream URL", ["proxy", "gopher://x"], 2, /gopher/],
  ["a configuration file that is not there", ["check", "--config", "/none.yaml"], 2, /none\.yaml/],
  ["a program that is not there", ["proxy", "--", "/no/such/program"], 1, /no\/such\/program/],
];

for (const [name, args, exitCode, says] of WRONG) {
  testCompiled(`status ${exitCode} and one line for ${name}`, async () => {
    const { code, stdout, stderr } = await runSluice(args);
    assert.equal(code, exitCode, stderr);
    assert.equal(stdout, "");
    assertOneLine(stderr);
    assert.match(stderr, says);
  });
}

testCompiled("status 2 and the line of the file for a fault in the configuration", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, "sluice:\n  log:\n    levle: debug\n");
    const { code, stderr } = await runSluice(["check", "--config", file]);
    assert.equal(code, 2, stderr);
    assertOneLine(stderr);
    assert.ok(stderr.includes(`${file}:3`), stderr);
    assert.match(stderr, /level/);
  } finally {
    await Deno.remove(file);
  }
});

testCompiled("status 1 and one line when the address is taken", async () => {
  await using first = await startServe(echoServer());
  const { code, stderr } = await runSluice(["serve", "--listen", first.url.origin, ...ECHO]);
  assert.equal(code, 1, stderr);
  assertOneLine(stderr);
  assert.match(stderr, /in use/);
});

testCompiled("proxy answers all that came before the end of its input, then ends", async () => {
  const ids = Array.from({ length: 200 }, (_, i) => i);
  const lines = ids.map((id) => JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
  const { code, stdout, stderr } = await runSluice(["proxy", ...ECHO], lines.join("\n") + "\n");
  assert.equal(code, 0, stderr);
  const answered = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id);
  assert.deepEqual(answered.sort((a, b) => a - b), ids);
});

testCompiled("it needs no Deno beside it", async () => {
  const { success, stdout } = await new Deno.Command(SLUICE_TEST_BINARY!, {
    args: ["--version"],
    clearEnv: true,
    cwd: "/",
  }).output();
  assert.ok(success);
  assert.match(new TextDecoder().decode(stdout), /^sluice \d/);
});

/** Besides what it logs: each line of the log is a JSON object. */
function assertOneLine(stderr: string): void {
  assert.match(stderr.replace(/^\{.*\}\n/gm, ""), /^sluice: [^\n]+: [^\n]+; [^\n]+\n$/);
}
