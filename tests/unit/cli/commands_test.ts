import assert from "node:assert/strict";
import { run } from "../../../cli/commands.ts";

async function sluice(...argv: string[]) {
  let stdout = "";
  let stderr = "";
  const code = await run(argv, {
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
  });
  return { code, stdout, stderr };
}

Deno.test("run() refuses bad usage with one line and exit code 2", async () => {
  const golden: [string[], string][] = [
    [[], "Cannot run: no command is given; say serve, proxy or check; sluice --help tells more"],
    [["frob"], "Cannot read command line: unknown command 'frob'; sluice --help tells more"],
    [["serv"], "Cannot read command line: unknown command 'serv'; did you mean serve"],
    [["--nope"], "Cannot read command line: unknown option '--nope'; sluice --help tells more"],
    [
      ["serve", "--lisen", "x"],
      "Cannot read command line: unknown option '--lisen'; did you mean --listen",
    ],
    [
      ["check", "--config"],
      "Cannot read command line: option '--config <file>' argument missing; sluice --help tells more",
    ],
    [
      ["serve", "node"],
      "Cannot read command line: unexpected argument node; put the program of an upstream after --",
    ],
    [["serve", "--"], "Cannot run: there is no command after --; name the program to start"],
    [
      ["serve", "--workers", "0"],
      "Cannot read command line: --workers is too small; give a whole number (processes) from 1 to 64",
    ],
    [
      ["proxy", "--workers", "2"],
      "Cannot read command line: unknown option '--workers'; sluice --help tells more",
    ],
    [["proxy"], "Cannot proxy: no upstream is named; give a URL, or a command after --"],
    [
      ["check", "--config", "/nonexistent/x.json"],
      "Cannot read config: there is no such file; check the path (/nonexistent/x.json)",
    ],
  ];
  for (const [argv, line] of golden) {
    assert.deepEqual(await sluice(...argv), { code: 2, stdout: "", stderr: `sluice: ${line}\n` });
  }
});

Deno.test("run() prints help and version on stdout", async () => {
  const help = await sluice("--help");
  assert.equal(help.code, 0);
  assert.equal(help.stderr, "");
  for (const name of ["serve", "proxy", "check"]) {
    assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
  }
  const version = await sluice("--version");
  assert.match(version.stdout, /^sluice \d+\.\d+\.\d+\n$/);
  assert.equal(version.code, 0);
});

Deno.test("run() describes flags from the schema and hides those of its own processes", async () => {
  const { stdout, code } = await sluice("serve", "--help");
  assert.equal(code, 0);
  assert.match(stdout, /--log-level <level> +least serious line/);
  assert.match(stdout, /--listen <url> +where clients are served/);
  assert.match(stdout, /--workers <n> +processes/);
  assert.doesNotMatch(stdout, /--as-worker/);
});

Deno.test("run() takes everything after -- verbatim", async () => {
  const { stdout } = await sluice(
    "check",
    "--shared",
    "--",
    "node",
    "--version",
    "--",
    "--config",
    "a b",
  );
  assert.match(
    stdout,
    /upstream: node --version -- --config "a b" \(one process for all clients\)/,
  );
});
